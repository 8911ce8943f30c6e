"""PromQL: our own syntax tree and a vectorised evaluator over any SeriesSource. Pure."""
