"""The functions of PromQL, one file per family."""
