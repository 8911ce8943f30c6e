"""Senders of what the sidecar pushes, each behind a bounded queue."""
