"""What floods are scored with: the record read, the skill of forecasts, of nowcasts and of decisions."""
