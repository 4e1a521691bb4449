"""A board that people sign in to at a provider of ours, with a clock that moves when told."""

from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

from lockgate.adapters.board.audit import LedgerAudit
from lockgate.adapters.board.oidc import OpenIdProvider
from lockgate.board.auth.door import SignInDoor
from lockgate.board.auth.sessions import Sessions
from lockgate.board.settings import Settings
from lockgate.core.board.access import Access
from lockgate.core.board.service_token import ServiceToken, hashed
from lockgate.core.board.viewer import Role
from tests.integration.board.conftest import started
from tests.standins.openid import OpenId

KEY = "the first key of the sessions, long enough"
LOOKS, OPERATES = "lgb_one_that_looks", "lgb_one_that_operates"
TOKENS = (
    ServiceToken("reports", Role.VIEWER, "till", date(2026, 3, 5), hashed(LOOKS)),
    ServiceToken("robot", Role.OPERATOR, "*", date(2026, 3, 5), hashed(OPERATES)),
)


class Hands:
    """The time."""

    def __init__(self):
        self.at = datetime(2026, 3, 4, 12, tzinfo=UTC)

    def now(self):
        return self.at

    def monotonic(self):
        return self.at.timestamp()

    def sleep(self, seconds):
        self.at += timedelta(seconds=seconds)


class Starts:
    """What would start the pipeline, and remembers what it was asked for."""

    def __init__(self):
        self.asked = []

    def start(self, ref, inputs):
        self.asked.append((ref, dict(inputs)))
        return "https://github.com/ada/shop/actions/workflows/deploy.yml"


@dataclass
class Signing:
    """A board, its provider, and the one browser that looks at it."""

    made: Any
    provider: OpenId
    hands: Hands
    door: SignInDoor

    @property
    def client(self):
        return self.made.client

    def get(self, path, **more):
        return self.client.get(path, follow_redirects=False, **more)

    def go(self, path="/history"):
        """Go to the provider; give the address that it sends the browser back to."""
        return self.provider.authorize(self.get("/auth/in", params={"next": path}).headers["location"])

    def sign_in(self, **person):
        """Sign in as a person with these claims."""
        self.provider.person = {"sub": "ada-1", "preferred_username": "ada", "roles": ["operator"], "services": ["*"]}
        self.provider.person |= person
        return self.get(self.go())

    def word(self):
        """Give the word against foreign pages, as our own pages have it."""
        return self.client.get("/").text.partition('name="csrf-token" content="')[2].partition('"')[0]


@contextmanager
def board(tmp_path, store=None, ledger=None, history=(), public_url="", **more):
    """Run one, over a ledger with a history."""
    hands = Hands()
    provider = OpenId(hands.now)
    port = OpenIdProvider(provider.issuer, provider.client, provider.secret, hands.monotonic)
    sessions = Sessions((KEY,), secure=public_url.startswith("https"))
    door = SignInDoor(port, Access(services_claim="services"), sessions, hands.now, TOKENS, monotonic=hands.monotonic)
    parts = {"store": store} if store else {}
    settings = Settings(tick=0.01, cache_seconds=0, public_url=public_url, **more)
    made = started(tmp_path, settings, door=door, dispatch=Starts(), **parts)
    (ledger or made.kind.ledger).replay(history)
    made.board.audit = LedgerAudit(lambda: ledger or made.kind.ledger)
    if public_url:
        made.client.base_url = public_url
        provider.redirects.add(f"{public_url}/auth/back")
    try:
        with made.client:
            yield Signing(made, provider, hands, door)
        assert not [line for line in made.lines if "Traceback" in line]
    finally:
        provider.close()
