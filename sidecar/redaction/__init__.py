"""The boundary for text from outside: what is kept, shown, logged or written of it passes here. Pure.

Telemetry of the apps goes through `telemetry.Redactor`, the sidecar's own secrets are taken out by `own_secrets`. Both
return `Masked`, which is made only here; the one other way is `Code` of `sidecar/fingerprint/stacks/code.py`, the names
of code that fit the grammar of their language.
"""
