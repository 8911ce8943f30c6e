"""Wire formats: bytes in, values out, and back. Pure."""
