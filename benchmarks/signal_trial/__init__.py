"""Signals' own record played back to the predictor and the yardsticks; what they said is counted, or fitted on."""
