"""Small mergeable summaries of large streams. Pure."""
