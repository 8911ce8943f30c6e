"""Who calls whom: the edges of the graph of services, from the spans of both sides. Pure."""
