"""What is missing where Lockgate was installed without a part of it, and how to have it: the same words everywhere."""

from lockgate.core.reasons import Reason
from lockgate.errors.base import LockgateError

EXTRAS = {
    "azure": "azure",
    "cryptography": "board",
    "github": "github",
    "jinja2": "board",
    "jwt": "board",
    "markupsafe": "board",
    "opentelemetry": "telemetry",
    "psycopg": "postgres",
    "psycopg_pool": "board",
    "redis": "redis",
    "requests": "github",
    "sigstore": "attestations",
    "starlette": "board",
    "urllib3": "github",
    "uvicorn": "board",
}
"""By the module that is missed, the extra of pyproject.toml that it is missed from."""


def set_up(extra: str) -> str:
    """Say how an extra is had. Not by pip and Lockgate's name: it is on no index, and anybody could take that name."""
    return f"Run `make setup` in Lockgate's checkout: it installs the extra `{extra}`, and every other one."


class ExtraMissingError(LockgateError):
    """A part of Lockgate that this needs is not installed here."""

    reason = Reason.EXTRA_MISSING


def lacking(error: ImportError, who: str) -> ExtraMissingError | None:
    """Give what to say of a module that `who` needs; None where no extra has it, so that its lack is a bug."""
    extra = EXTRAS.get((error.name or "").partition(".")[0])
    what = f"{who} needs {error.name}, which is not installed."
    return ExtraMissingError(what, fix=set_up(extra)) if extra else None
