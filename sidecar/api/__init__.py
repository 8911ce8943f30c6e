"""What the sidecar answers over HTTP: probes, /metrics, the page."""
