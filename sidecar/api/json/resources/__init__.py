"""The nouns of the JSON API, one a file."""
