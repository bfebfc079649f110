"""Sound documents made wrong in one way each, to see who notices: our rules, or the official schema alone."""
