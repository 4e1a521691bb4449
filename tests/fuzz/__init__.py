"""Throw hostile documents at every parser of foreign input: `python -m tests.fuzz` says how; `make fuzz` does."""
