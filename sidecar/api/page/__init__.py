"""The built-in web page on the loopback listener."""
