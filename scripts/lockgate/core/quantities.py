"""Quantities as people write them: durations, sizes and shares.

Written "500ms", "5s", "3m", "1h"; "200MB", "190MiB"; "90%". Read into seconds, bytes and 0 to 1, and written back.
Whole numbers are used on the way, so that "99.9%" is exactly the float 0.999 and not a neighbour of it.
"""

import re

DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(ms|s|m|h)")
SIZE = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,3})?)(B|kB|KB|MB|GB|KiB|MiB|GiB)")
SHARE = re.compile(r"(100(?:\.0{1,6})?|[0-9]{1,2}(?:\.[0-9]{1,6})?)%")
_MILLISECONDS = {"ms": 1, "s": 1000, "m": 60_000, "h": 3_600_000}
_BYTES = {
    "B": 1,
    "kB": 1000,
    "KB": 1000,
    "MB": 1000**2,
    "GB": 1000**3,
    "KiB": 1024,
    "MiB": 1024**2,
    "GiB": 1024**3,
}


def parse_duration(text: str) -> float:
    """Read a duration into seconds; raise ValueError with what was expected."""
    match = DURATION.fullmatch(text)
    if not match:
        raise ValueError(f'expected a duration like 5m, got "{text}"')
    return _scaled(match[1], 3) * _MILLISECONDS[match[2]] / 10**6


def format_duration(seconds: float) -> str:
    """Write a duration in the largest unit that needs no fraction, to the millisecond."""
    milliseconds = round(seconds * 1000)
    for unit in ("h", "m", "s"):
        if milliseconds and milliseconds % _MILLISECONDS[unit] == 0:
            return f"{milliseconds // _MILLISECONDS[unit]}{unit}"
    if 0 < milliseconds < _MILLISECONDS["s"]:
        return f"{milliseconds}ms"
    return f"{f'{milliseconds / 1000:.3f}'.rstrip('0').rstrip('.')}s"


def parse_size(text: str) -> int:
    """Read a size into bytes, MB being a million and MiB 1024 x 1024; raise ValueError with what was expected."""
    match = SIZE.fullmatch(text)
    if not match:
        raise ValueError(f'expected a size like 200MB, got "{text}"')
    return _scaled(match[1], 3) * _BYTES[match[2]] // 1000


def format_size(count: int) -> str:
    """Write a size in the largest unit that needs no fraction, decimal units first."""
    for unit in ("GB", "MB", "KB", "GiB", "MiB", "KiB"):
        if count and count % _BYTES[unit] == 0:
            return f"{count // _BYTES[unit]}{unit}"
    return f"{count}B"


def parse_share(text: str) -> float:
    """Read a share of a whole, 0 to 1; raise ValueError with what was expected."""
    match = SHARE.fullmatch(text)
    if not match:
        raise ValueError(f'expected a share like 90%, got "{text}"')
    return _scaled(match[1], 6) / 10**8


def format_share(share: float) -> str:
    """Write a share as a percentage with up to six decimals."""
    return f"{f'{share * 100:.6f}'.rstrip('0').rstrip('.')}%"


def _scaled(number: str, places: int) -> int:
    """Read a decimal number times ten to the power of `places`; it has no more digits than that after its point."""
    whole, _, fraction = number.partition(".")
    return int(whole + fraction.ljust(places, "0"))
