"""One file a resource, one line of delegation a route."""
