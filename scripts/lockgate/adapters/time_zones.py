"""Time zones by name, from the machine's own database."""

from datetime import UTC, tzinfo


def find(name: str) -> tzinfo | None:
    """Give the time zone of this name; None where this machine knows none."""
    if name == "UTC":
        return UTC  # Also on a machine without the database.
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only where a freeze names one

    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
