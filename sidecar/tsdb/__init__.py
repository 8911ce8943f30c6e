"""The head: time series in memory, in blocks with one time axis each. Pure."""
