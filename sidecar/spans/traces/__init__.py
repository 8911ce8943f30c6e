"""The traces that are worth keeping: failed ones, the slowest of each endpoint, and a sample. Pure."""
