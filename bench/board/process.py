"""`lockgate board` as a process over the ledger in PostgreSQL: people sign in to it at a provider of ours."""

import os
import secrets
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.cookiejar import CookieJar
from pathlib import Path

from bench.ledger.waiting import Waiting
from lockgate.adapters.local import sockets
from tests.standins.openid import OpenId

START_SECONDS = 60.0
OPERATORS = 5
FEW = 10
"""Of 50 people so many see ten services only, so the database's row-level security has something to do."""
SERVICES = 500


def ports(count: int) -> list[int]:
    """Give ports that are free, below those of outgoing connections, which 5,000 clients use up otherwise."""
    found = [port for port in range(13000, 20000) if sockets.is_free(port)]
    return found[:count]


@dataclass(slots=True)
class Provider:
    """Where people sign in, and the settings of a board that sends them there."""

    url: str
    """Where people find the board."""
    openid: OpenId
    key: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    def environment(self, dsn: str) -> dict[str, str]:
        """Give what the environment of a board says."""
        told = {
            "DATABASE_URL": dsn, "PUBLIC_URL": self.url, "TRUSTED_PROXIES": "127.0.0.1",
            "OIDC_ISSUER": self.openid.issuer, "OIDC_CLIENT_ID": self.openid.client,
            "OIDC_CLIENT_SECRET": self.openid.secret, "SESSION_KEY": self.key, "SERVICES_CLAIM": "services",
        }  # fmt: skip
        return {f"LOCKGATE_BOARD_{name}": value for name, value in told.items()}

    def people(self, count: int, *, few: bool = True) -> list[str]:
        """Sign so many people in, each from an address of their own; give the cookies of their sessions.

        Without `few` all of them see every service: what each of them must hear is then easily said.
        """
        return [self._sign_in(number, few=few) for number in range(count)]

    def _sign_in(self, number: int, *, few: bool) -> str:
        some = [f"service-{(number * 7 + each * 50) % SERVICES:03}" for each in range(10)]
        self.openid.person = {
            "sub": f"person-{number}", "preferred_username": f"person-{number}@shop.example",
            "roles": ["operator" if number < OPERATORS else "viewer"],
            "services": some if few and number % (50 // FEW) == FEW // 5 else ["*"],
        }  # fmt: skip
        kept = CookieJar()
        opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(kept))
        address = f"10.0.{number // 200}.{number % 200}"
        request = urllib.request.Request(f"{self.url}/auth/in", headers={"X-Forwarded-For": address})  # noqa: S310 - ours
        with opener.open(request, timeout=10) as answer:
            answer.read()
        return next(f"{one.name}={one.value}" for one in kept if not one.name.endswith("-flow"))


@contextmanager
def provider(port: int) -> Iterator[Provider]:
    """Yield a provider for the board at that port."""
    url = f"http://localhost:{port}"
    openid = OpenId(lambda: datetime.now(UTC))
    openid.redirects = {f"{url}/auth/back"}
    try:
        yield Provider(url, openid)
    finally:
        openid.close()


@dataclass(slots=True)
class Board:
    """One process."""

    process: "subprocess.Popen[bytes]"
    port: int
    log: Path
    waiting: Waiting
    started: float
    """Seconds from its exec to the first 200 of /readyz."""

    def memory(self) -> float:
        """Give its resident memory, in bytes."""
        text = Path(f"/proc/{self.process.pid}/status").read_text(encoding="utf-8")
        return float(text.partition("VmRSS:")[2].split()[0]) * 1024

    def processor(self) -> float:
        """Give the seconds of CPU that it has used."""
        fields = Path(f"/proc/{self.process.pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def end(self, seconds: float = 15.0) -> None:
        """End it as a service manager does."""
        with suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@contextmanager
def board(folder: Path, port: int, environment: dict[str, str], words: Sequence[str] = ()) -> Iterator[Board]:
    """Run one until the block ends; yield it when it is ready."""
    one = start(folder, port, environment, words)
    try:
        yield one
    finally:
        one.end()


def start(
    folder: Path,
    port: int,
    environment: dict[str, str],
    words: Sequence[str] = (),
    clock: Callable[[], float] = time.monotonic,
) -> Board:
    """Start one; give it when it is ready. It has nothing of this process but where its programs are."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / f"board-{port}.log"
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "PYTHONPATH") if name in os.environ}
    command = [sys.executable, "-m", "lockgate", "board", "--no-open", "--port", str(port), *words]
    began = clock()
    with log.open("ab") as out:
        process = subprocess.Popen(
            command, cwd=folder, env={**kept, "HOME": str(folder), **environment},
            stdin=subprocess.DEVNULL, stdout=out, stderr=out,
        )  # fmt: skip
    while clock() < began + START_SECONDS and process.poll() is None:
        if _ready(port):
            return Board(process, port, log, Waiting(process.pid), clock() - began)
        time.sleep(0.005)
    if process.poll() is None:
        process.kill()
    process.wait()
    raise SystemExit(f"the board did not get ready:\n{log.read_text(encoding='utf-8')[-3000:]}")


def _ready(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz", timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
