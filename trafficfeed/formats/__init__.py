"""One standard a file: domain objects and a publication time in, bytes out."""
