"""What spans are turned into: rates, errors, durations. Pure."""
