"""Flood forecasts: what rain, tide and readings make of a site, as depths with bands and calibrated chances."""
