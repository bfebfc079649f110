"""Flooding: where water gathers on roads, how deep, from when to when, who still passes, and what is decided."""
