"""What a board has around it, as its environment says: a Redis that its replicas share, a collector of its traces."""

from functools import partial
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from lockgate.commands.project import Project
from lockgate.errors import ExtraMissingError, UsageError
from lockgate.errors.extras import set_up

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from lockgate.core.board.entrance import Entrance
    from lockgate.core.board.shared import Shared
    from lockgate.core.trace import Span

VARIABLE = "LOCKGATE_BOARD_REDIS_URL"
"""It may hold a password, so it is no option, which every user of the machine could read in the list of processes."""
_OTLP_SECONDS = 5.0
_MOST_WATCHERS = 100_000
_SCHEMES = ("redis", "rediss", "unix")


def shared(project: Project) -> "Shared | None":
    """Open what the replicas share; None where nothing is configured. Raise UsageError, ExtraMissingError."""
    url = (project.runner.secret(VARIABLE) or "").strip()
    if not url:
        return None
    project.console.secrets += [url, *password_of(url)]
    if url.partition("://")[0] not in _SCHEMES:
        raise UsageError(
            f"{VARIABLE} is no address of a Redis.",
            fix="For example redis://localhost:6379/0, or rediss://:PASSWORD@host:6380/0 with TLS.",
        )
    try:
        import redis  # noqa: F401, PLC0415 - only whether it is there
    except ImportError as error:
        raise ExtraMissingError(f"{VARIABLE} needs redis, which is not installed.", fix=set_up("redis")) from error
    from lockgate.adapters.board.redis import RedisShared  # noqa: PLC0415

    return RedisShared(url, project.clock.monotonic)


def secret(entrance: "Entrance | None") -> bytes:
    """Give what every replica knows and nobody else does; nothing where nobody signs in."""
    return entrance.session_keys[0].encode() if entrance and entrance.session_keys else b""


def spans(project: Project) -> "Callable[[Sequence[Span]], bool] | None":
    """Give what sends the traces of requests: where the environment says, else where those of rollouts go."""
    configured = project.config.telemetry.otlp if project.config_path.is_file() else ""
    otlp = project.runner.board("OTLP").strip() or configured
    if not otlp:
        return None
    from lockgate.adapters import tracing  # noqa: PLC0415 - where it is configured

    return partial(tracing.send, otlp=otlp, service="board", seconds=_OTLP_SECONDS)


def watchers_each(project: Project, usual: int) -> int:
    """Give how many live connections one person may have; raise UsageError."""
    told = project.runner.board("WATCHERS_EACH").strip()
    if told and not (told.isascii() and told.isdigit() and 1 <= int(told) <= _MOST_WATCHERS):
        raise UsageError(f"LOCKGATE_BOARD_WATCHERS_EACH is 1 to {_MOST_WATCHERS}, not {told[:40]}")
    return int(told) if told else usual


def password_of(url: str) -> list[str]:
    """Give the password in an address, as written and as meant: a library may say either."""
    try:
        password = urlsplit(url).password
    except ValueError:
        return []
    return [password, unquote(password)] if password else []
