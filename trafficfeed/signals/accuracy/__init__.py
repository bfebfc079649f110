"""Accuracy: every forecast against what the lamp then did, in public; and groups that lose the right to count down."""
