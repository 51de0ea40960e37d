"""The deterministic tensor machine of docs/specification/machine.md."""
