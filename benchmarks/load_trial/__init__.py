"""Parts of the load benchmark of live signals: a made city, its street, and clients that measure."""
