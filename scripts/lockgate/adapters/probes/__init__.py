"""The probes, one file for each kind: each asks one question and says what came of it."""
