"""The world that runs take place in."""
