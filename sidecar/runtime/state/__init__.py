"""The state file: what survives a restart, in one SQLite file that may be away without harm."""
