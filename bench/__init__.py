"""Measurements. Each is a command that prints a table, and fails where a promise is not kept."""
