"""Replays controllers' logs to the production predictor, and keeps what it said."""
