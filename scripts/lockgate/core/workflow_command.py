"""A line of the log that GitHub's runner obeys, with all that would break out of it escaped."""

from collections.abc import Mapping

from lockgate.core.redaction import printable


def command(name: str, message: str, properties: Mapping[str, str] | None = None) -> str:
    """Write one; a property without a value is left out."""
    given = ",".join(f"{key}={_property(value)}" for key, value in (properties or {}).items() if value)
    return f"::{f'{name} {given}' if given else name}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(value: str) -> str:
    return _data(printable(value)).replace(":", "%3A").replace(",", "%2C")
