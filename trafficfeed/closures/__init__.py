"""Orders: what an authority decides, when it holds, whether it is sound, and what is published of it."""
