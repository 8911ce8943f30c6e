"""Printed stack traces, language by language, as what was thrown and where. Pure."""
