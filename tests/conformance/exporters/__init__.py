"""Parity with the exporters that the sidecar replaces: the same servers, asked by both."""
