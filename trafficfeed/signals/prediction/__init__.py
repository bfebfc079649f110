"""Prediction: when what a group shows will end, by the best rung of a ladder, or nothing."""
