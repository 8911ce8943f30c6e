"""Queues in Redis: what each library keeps in which keys."""
