"""The http check."""
