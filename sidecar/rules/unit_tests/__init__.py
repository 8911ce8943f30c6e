"""Unit tests of rules, in the files and with the verdicts of `promtool test rules`."""
