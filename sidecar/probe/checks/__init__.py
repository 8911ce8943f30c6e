"""One package per kind of check: its Config, and the check that is made of it."""
