"""The small API that serves what has been released, and takes orders in."""
