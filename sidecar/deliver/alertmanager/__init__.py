"""An Alertmanager as a receiver of alerts."""
