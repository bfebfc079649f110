"""Signals: topology, what the lamps show, when they will change, how well we knew it, what to advise."""
