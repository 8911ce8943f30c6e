"""Bodies of webhooks: one file a service, each within the limits that the service names."""
