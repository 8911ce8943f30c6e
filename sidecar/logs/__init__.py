"""What is derived from received log records: counts by service and severity. Pure."""
