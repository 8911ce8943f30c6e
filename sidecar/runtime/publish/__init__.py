"""Scraped samples on their way to the pages and the head."""
