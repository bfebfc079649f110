"""How lamp states come in: adapters, one door, and the log of all that was heard."""
