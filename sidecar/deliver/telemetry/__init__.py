"""The sidecar's own traces and metrics, sent by the OpenTelemetry SDK where they are asked for."""
