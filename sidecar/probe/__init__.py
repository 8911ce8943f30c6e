"""Checks of the app and what they mean for the probes."""
