"""Tiny services that the tests deploy: one good, and one for each way a service can fail to start."""
