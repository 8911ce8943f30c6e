"""Queries of the operator's own: files in the form of postgres_exporter's queries.yaml become views."""
