"""Zero configuration: what environment variables say."""
