"""Work beside the event loop, in threads by purpose; nothing else starts one, and no default executor is used."""
