"""The five security headers every page should have, by name, with the values that protect.

Sources: RFC 6797 (HSTS), CSP Level 3, the Fetch standard (nosniff), RFC 7034 (frame options), Referrer Policy (W3C).
"""

import re
from collections.abc import Iterator, Mapping

YEAR = 31_536_000
_MAX_AGE = re.compile(r'\s*max-age\s*=\s*"?([0-9]{1,15})"?\s*', re.IGNORECASE)
_REFERRER = {
    *("no-referrer", "no-referrer-when-downgrade", "same-origin", "origin", "strict-origin"),
    *("origin-when-cross-origin", "strict-origin-when-cross-origin", "unsafe-url"),
}
_PRIVATE = frozenset({"no-referrer", "same-origin", "strict-origin", "strict-origin-when-cross-origin"})
_ANYWHERE = frozenset({"*", "http:", "https:", "data:", "blob:"})
_TRUSTED = re.compile(r"'(nonce-|sha(256|384|512)-)")


def weaknesses(headers: Mapping[str, str], skip: frozenset[str] = frozenset()) -> Iterator[str]:
    """Say what is wrong with each header that is not skipped; names in `headers` and `skip` are in lower case."""
    for name, judge in _JUDGES.items():
        if name.lower() in skip:
            continue
        value = headers.get(name.lower())
        if value is None:
            yield f"no {name}"
        elif wrong := judge(value):
            yield f"{name} {wrong}"


def _transport(value: str) -> str:
    directives = value.split(";")
    ages = [int(found[1]) for one in directives if (found := _MAX_AGE.fullmatch(one))]
    if len(ages) != 1:
        return "has no max-age"
    if ages[0] < YEAR:
        return f"has a max-age of {ages[0]} s, less than a year ({YEAR})"
    return "" if "includesubdomains" in {one.strip().lower() for one in directives} else "lacks includeSubDomains"


def _content(value: str) -> str:
    # Several policies are joined by commas, and each must be satisfied: one strict policy is enough.
    problems = [_policy(one) for one in value.split(",") if one.strip()]
    return min(problems, key=len, default="is empty")


def _policy(text: str) -> str:
    policy: dict[str, list[str]] = {}
    for directive in text.split(";"):
        name, *sources = directive.lower().split() or [""]
        policy.setdefault(name, sources)
    scripts = policy.get("script-src", policy.get("default-src"))
    objects = policy.get("object-src", policy.get("default-src"))
    if scripts is None:
        return "says nothing of scripts: it has neither script-src nor default-src"
    if objects is None:
        return "says nothing of plugins: it has neither object-src nor default-src"
    trusted = any(_TRUSTED.match(source) for source in scripts)
    if "'unsafe-inline'" in scripts and not trusted:
        return "lets inline scripts run ('unsafe-inline')"
    if "'unsafe-eval'" in scripts:
        return "lets text become code ('unsafe-eval')"
    # With 'strict-dynamic' and a nonce or hash, browsers do not look at hosts and schemes.
    if _ANYWHERE & set(scripts) and not (trusted and "'strict-dynamic'" in scripts):
        return f"lets scripts come from {min(_ANYWHERE & set(scripts))}"
    return f"lets plugins come from {min(_ANYWHERE & set(objects))}" if _ANYWHERE & set(objects) else ""


def _sniffing(value: str) -> str:
    return "" if value.split(",", maxsplit=1)[0].strip().lower() == "nosniff" else "is not nosniff"


def _frames(value: str) -> str:
    return "" if value.strip().lower() in {"deny", "sameorigin"} else "is neither DENY nor SAMEORIGIN"


def _referrer(value: str) -> str:
    # The last one that a browser knows is what holds.
    known = [one for part in value.split(",") if (one := part.strip().lower()) in _REFERRER]
    if not known:
        return "names no policy"
    return "" if known[-1] in _PRIVATE else f"is {known[-1]}, which tells other sites the full address or origin"


_JUDGES = {
    "Strict-Transport-Security": _transport,
    "Content-Security-Policy": _content,
    "X-Content-Type-Options": _sniffing,
    "X-Frame-Options": _frames,
    "Referrer-Policy": _referrer,
}
NAMES = tuple(_JUDGES)
