"""Normal forms that make equal things equal. Pure."""
