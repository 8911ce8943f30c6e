"""The demonstration: servers, a shop app, traffic and the sidecar beside them."""
