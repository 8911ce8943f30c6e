"""Values every layer shares: labels, families, samples, spans, health, errors and the configuration base."""
