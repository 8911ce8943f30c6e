"""Receivers of pushed telemetry."""
