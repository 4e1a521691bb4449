"""What the replicas of a board have in common, as its environment says: a Redis, or nothing."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lockgate.commands.project import Project
from lockgate.errors import UsageError

if TYPE_CHECKING:
    from lockgate.core.board.shared import Shared

VARIABLE = "LOCKGATE_BOARD_REDIS_URL"
"""It may hold a password, so it is no option, which every user of the machine could read in the list of processes."""
_SCHEMES = ("redis", "rediss", "unix")


def shared(project: Project) -> "Shared | None":
    """Open what the replicas share; None where nothing is configured. Raise UsageError."""
    url = (project.runner.secret(VARIABLE) or "").strip()
    if not url:
        return None
    project.console.secrets.append(url)
    try:
        parts = urlsplit(url)
        password, port = parts.password, parts.port  # the port is read when it is asked for
    except ValueError:
        parts, password, port = urlsplit(""), None, None
    if parts.scheme not in _SCHEMES or port == 0:
        raise UsageError(
            f"{VARIABLE} is no address of a Redis.",
            fix="For example redis://localhost:6379/0, or rediss://:PASSWORD@host:6380/0 with TLS.",
        )
    if password:
        project.console.secrets.append(password)
    try:
        import redis  # noqa: F401, PLC0415 - only whether it is there
    except ImportError as error:
        raise UsageError(
            f"{VARIABLE} needs redis, which is not installed.", fix="Install lockgate with the extra `redis`."
        ) from error
    from lockgate.adapters.board.redis import RedisShared  # noqa: PLC0415

    return RedisShared(url, project.clock.monotonic)
