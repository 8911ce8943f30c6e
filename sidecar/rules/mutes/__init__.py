"""Mutes: which alerts are not told to webhooks, and when."""
