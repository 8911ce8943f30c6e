"""What clients ask databases: each query's calls and times, and those that are asked once per row. Pure."""
