"""Errors as groups with a history: what came, since when, in which releases, and whether it came back. Pure."""
