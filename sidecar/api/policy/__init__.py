"""What every listener holds requests to, whatever they ask for."""
