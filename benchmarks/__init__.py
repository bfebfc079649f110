"""What the performance claims are measured with; each prints ratios to a yardstick in the same run."""
