"""One file per command: read, ask core, act through adapters, return a Result."""
