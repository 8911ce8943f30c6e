"""The probes of the pod listener."""
