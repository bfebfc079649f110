"""Road closures, signal states and flooding for navigation apps, each record certified by simulation."""

__version__ = "0.1.0"
