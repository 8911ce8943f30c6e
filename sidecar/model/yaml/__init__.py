"""YAML as configuration and rule files have it: texts, places, merges."""
