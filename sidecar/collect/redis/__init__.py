"""Redis and Valkey servers: one file per section of INFO, one runner around them."""
