"""Receivers of alerts for teams without an Alertmanager."""
