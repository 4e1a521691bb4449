"""Tests, and the checks of `make lint`; README.md says what belongs where."""
