"""The traces of the last seconds, in columns: who called whom, who asked what, what failed. Pure."""
