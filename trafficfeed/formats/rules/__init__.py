"""Rules on published documents that no schema checks; one function a rule, by what they look at."""
