"""The elevation model: read and checked, and the hollows in it."""
