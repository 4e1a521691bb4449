"""A local GitHub: it keeps state, refuses what GitHub refuses, and can be told to fail. Judged by GitHub's description."""

from tests.standins.github.server import GitHub

__all__ = ["GitHub"]
