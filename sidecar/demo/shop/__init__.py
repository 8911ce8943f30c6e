"""A small web shop, traced by the OpenTelemetry SDK: the app that the sidecar watches in the demonstration."""
