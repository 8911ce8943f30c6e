"""The tcp check."""
