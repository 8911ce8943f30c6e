"""One file per section; each defines a `SECTION`."""
