"""How a board that others can reach is told who may come in: read from its environment, all mistakes at once."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from lockgate.core.board import service_token
from lockgate.core.board.access import Access
from lockgate.core.board.service_token import ServiceToken

T = TypeVar("T")
PREFIX = "LOCKGATE_BOARD_"
SECRET = ("OIDC_CLIENT_SECRET", "SESSION_KEY", "TOKENS")
"""Each may be in a file instead, which `..._FILE` names: the way of secrets that are mounted into a container."""
PLAIN = ("PUBLIC_URL", "TRUSTED_PROXIES", "OIDC_ISSUER", "OIDC_CLIENT_ID", "OIDC_SCOPES", "ROLES_CLAIM", "VIEWERS",
         "OPERATORS", "SERVICES_CLAIM", "SESSION_HOURS")  # fmt: skip
SHORTEST_KEY = 32
_HERE = frozenset({"127.0.0.1", "localhost", "[::1]"})
_URL = re.compile(r"(?P<scheme>https?)://(?P<host>[a-z0-9.-]+|\[[0-9a-f:.]+\])(:[0-9]{1,5})?(?P<path>(/[^\s?#]*)?)")
_MANY = frozenset({"common", "organizations", "consumers"})


class EntranceError(ValueError):
    """Settings that make no sense together: what is wrong, for each."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Entrance:
    """Who may come in, and from where they are seen to come."""

    public_url: str
    trusted_proxies: frozenset[str]
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: str
    access: Access
    session_keys: tuple[str, ...] = field(repr=False)
    """None: the board takes one of its own, and whoever has signed in does so again after a restart."""
    session_hours: float
    tokens: tuple[ServiceToken, ...] = field(repr=False)


def parse(told: Mapping[str, str], *, loopback: bool) -> Entrance | None:
    """Read the values by their names without the prefix; None where nothing is told. Raise EntranceError.

    `loopback` is whether the board listens to this machine alone.
    """
    values = {name: told.get(name, "").strip() for name in (*SECRET, *PLAIN)}
    if not any(values.values()):
        return None
    problems: list[str] = []
    _whole(values, problems, loopback=loopback)
    keys = tuple(values["SESSION_KEY"].split())
    if any(len(key) < SHORTEST_KEY for key in keys):
        problems.append(
            _say("SESSION_KEY", f"is a random text of at least {SHORTEST_KEY} letters: openssl rand -hex 32")
        )
    made = Entrance(
        public_url=values["PUBLIC_URL"].rstrip("/"),
        trusted_proxies=frozenset(_each(values["TRUSTED_PROXIES"], _network, "TRUSTED_PROXIES", problems)),
        issuer=values["OIDC_ISSUER"],
        client_id=values["OIDC_CLIENT_ID"],
        client_secret=values["OIDC_CLIENT_SECRET"],
        scopes=values["OIDC_SCOPES"] or "openid profile email",
        access=Access(
            values["ROLES_CLAIM"] or "roles",
            _names(values["VIEWERS"]) or frozenset({"viewer"}),
            _names(values["OPERATORS"]) or frozenset({"operator"}),
            values["SERVICES_CLAIM"],
        ),
        session_keys=keys,
        session_hours=_read(values["SESSION_HOURS"] or "8", _hours, "SESSION_HOURS", problems) or 8.0,
        tokens=_read(values["TOKENS"], service_token.parse, "TOKENS", problems) or (),
    )
    if problems:
        raise EntranceError(problems)
    return made


def _whole(values: Mapping[str, str], problems: list[str], *, loopback: bool) -> None:
    """Find what is missing beside what is there."""
    missing = [name for name in ("OIDC_ISSUER", "OIDC_CLIENT_ID") if not values[name]]
    problems += [_say(name, "is missing: the other settings are of no use without sign-in") for name in missing]
    issuer, public = _URL.fullmatch(values["OIDC_ISSUER"]), _URL.fullmatch(values["PUBLIC_URL"])
    if values["OIDC_ISSUER"] and not _safe(issuer):
        problems.append(_say("OIDC_ISSUER", "is an https:// address, letter by letter as the provider calls itself"))
    elif issuer and issuer["host"].startswith("login.microsoftonline.") and set(issuer["path"].split("/")) & _MANY:
        problems.append(_say("OIDC_ISSUER", "names one tenant: https://login.microsoftonline.com/TENANT-ID/v2.0"))
    if values["PUBLIC_URL"]:
        if not public or not _safe(public) or public["path"].strip("/"):
            problems.append(_say("PUBLIC_URL", "is https:// and a host, without a path: https://board.example.com"))
        elif public["scheme"] == "https" and not values["TRUSTED_PROXIES"]:
            problems.append(_say("TRUSTED_PROXIES", "is missing: whatever ends TLS before the board says that it did, "
                                 "and is believed by its address alone, such as 10.0.0.0/8"))  # fmt: skip
    elif not loopback:
        problems.append(_say("PUBLIC_URL", "is missing: the provider sends people back to it"))
    if "openid" not in (values["OIDC_SCOPES"] or "openid").split():
        problems.append(_say("OIDC_SCOPES", "has openid among them"))


def _safe(url: re.Match[str] | None) -> bool:
    return url is not None and (url["scheme"] == "https" or url["host"] in _HERE)


def _network(text: str) -> str:
    """Read the address of one proxy, or a network of them."""
    if text == "*":
        raise ValueError("has addresses or networks; 0.0.0.0/0 where nothing but the proxy can reach the board")
    return str(ipaddress.ip_network(text)) if "/" in text else str(ipaddress.ip_address(text))


def _hours(text: str) -> float:
    hours = float(text)
    if not 0.1 <= hours <= 24:  # noqa: PLR2004 - said below
        raise ValueError("is 0.1 to 24")
    return hours


def _names(text: str) -> frozenset[str]:
    return frozenset(name.strip() for name in text.split(",") if name.strip())


def _each(text: str, read: Callable[[str], str], name: str, problems: list[str]) -> list[str]:
    found = (_read(one, read, name, problems) for one in sorted(_names(text)))
    return [one for one in found if one]


def _read(text: str, read: Callable[[str], T], name: str, problems: list[str]) -> T | None:
    try:
        return read(text)
    except ValueError as error:
        problems.append(_say(name, str(error)))
        return None


def _say(name: str, text: str) -> str:
    return f"{PREFIX}{name}: {text}"
