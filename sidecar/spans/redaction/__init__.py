"""Taking secrets and personal data out of telemetry before it is kept or shown. Pure."""
