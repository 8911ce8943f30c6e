"""The composition root: configuration, construction, running and reloading of the whole process."""
