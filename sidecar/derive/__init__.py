"""What every signal needs to become metrics: where it is from, and series within limits. Pure."""
