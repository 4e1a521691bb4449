"""Who may come in to the board, as its environment says; and tokens for programs."""

import secrets
from datetime import timedelta
from pathlib import Path

from lockgate.commands.project import Project
from lockgate.core.board.entrance import PLAIN, PREFIX, SECRET, Entrance, EntranceError, parse
from lockgate.core.board.service_token import PREFIX as TOKEN
from lockgate.core.board.service_token import ServiceToken, hashed, read
from lockgate.core.board.sign_in import Provider
from lockgate.core.board.viewer import Role
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.errors import ExtraMissingError, UsageError
from lockgate.errors.extras import set_up

SESSION_BYTES = 48
_MOST_DAYS = 366


def entrance(project: Project, *, loopback: bool) -> Entrance | None:
    """Read who may come in; None where nothing is said of it. Raise UsageError with all that is wrong."""
    told = {name: project.runner.board(name) for name in PLAIN} | {name: _secret(project, name) for name in SECRET}
    try:
        return parse(told, loopback=loopback)
    except EntranceError as error:
        raise UsageError(f"lockgate board: {error}", fix='See docs/board.md, "Signing in".') from error


def provider(entrance: Entrance, project: Project) -> Provider:
    """Give the provider that it names; raise ExtraMissingError."""
    try:
        import cryptography  # noqa: F401, PLC0415 - only whether it is there
        import jwt  # noqa: F401, PLC0415
    except ImportError as error:
        raise ExtraMissingError(
            f"Signing in to the board needs {error.name}, which is not installed.", fix=set_up("board")
        ) from error
    from lockgate.adapters.board.oidc import OpenIdProvider  # noqa: PLC0415 - where somebody signs in

    named = (entrance.issuer, entrance.client_id, entrance.client_secret, project.clock.monotonic, entrance.scopes)
    return OpenIdProvider(*named)


def keys(entrance: Entrance, project: Project) -> tuple[str, ...]:
    """Give the keys of the sessions; without any, one for as long as this process lives."""
    if entrance.session_keys:
        return entrance.session_keys
    project.console.step(f"{PREFIX}SESSION_KEY is not set: whoever signs in does so again after a restart")
    return (secrets.token_urlsafe(SESSION_BYTES),)


def new_token(project: Project, name: str, role: str, services: str, days: int) -> Result:
    """Make a token for a program: shown once, and never kept; what is kept is the line with its hash."""
    if not 1 <= days <= _MOST_DAYS:
        raise UsageError(f"lockgate board: --days is 1 to {_MOST_DAYS}, not {days}")
    token = TOKEN + secrets.token_urlsafe(32)
    until = project.clock.now().date() + timedelta(days=days)
    try:
        line = read(ServiceToken(name, Role(role), services, until, hashed(token)).line()).line()
    except ValueError as error:
        raise UsageError(f"lockgate board: {error}") from error
    project.console.good(f"the token, shown this once: {token}")
    project.console.step(f"a line for {PREFIX}TOKENS, or for the file that {PREFIX}TOKENS_FILE names: {line}")
    return Result("board", Decision.PASSED, Reason.OK, "", data={"token": token, "line": line})


def _secret(project: Project, name: str) -> str:
    """Read a secret out of its variable, or out of the file that the other variable names."""
    value = project.runner.secret(PREFIX + name) or ""
    if path := project.runner.board(f"{name}_FILE"):
        if value:
            raise UsageError(f"lockgate board: {PREFIX}{name} and {PREFIX}{name}_FILE are both set.")
        try:
            value = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise UsageError(f"lockgate board: {PREFIX}{name}_FILE cannot be read: {error}") from error
    if name != "TOKENS":  # there the secrets are hashes already, and the rest are words of every day
        project.console.secrets.extend(value.split())
    return value
