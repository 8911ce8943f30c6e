"""What every edge stands on: lifecycle, clock, queues, own metrics, logging and the encoded pages."""
