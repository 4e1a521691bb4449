"""The ledger that the board is measured on: 1,000,000 deployments in a PostgreSQL of its own, made once and kept.

It takes minutes and 8 GB, so it stays in `.cache/bench-board` until it is older than two weeks (what is asked for
counts back from now) or made by other code. What a run adds to it is taken away by the next one.
"""

import fcntl
import hashlib
import json
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.ledger import load
from lockgate.adapters.ledger.postgres import PostgresCall
from tests.postgres import Databases, Server

ROOT = Path(__file__).parents[2]
KEPT_SECONDS = 14 * 86_400
SETTINGS = {
    "shared_buffers": "1GB",
    "maintenance_work_mem": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "30min",
    "autovacuum": "on",
    "max_connections": "200",
}
REMEMBER = """
create schema bench;
create table bench.current as select * from public.deployment_current;
create table bench.chain as select * from public.deployment_chain"""
FORGET = """
begin;
set local session_replication_role = replica; -- no trigger: what is in the ledger may not be taken out of it
delete from public.deployments where id in (
  select rollout from public.deployment_events where position > (select position from bench.chain));
delete from public.deployment_events where position > (select position from bench.chain);
delete from public.deployment_current;
insert into public.deployment_current select * from bench.current;
delete from public.deployment_watches;
delete from public.deployment_leases;
update public.deployment_chain set (position, hash) = (select position, hash from bench.chain);
commit"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """A ledger that answers."""

    owner: str
    """The connection string of whoever may do everything with it."""
    pipeline: str
    """That of whoever writes events."""
    board: str
    deployments: int
    size: str
    server: "_Kept"


def restarted(ledger: Ledger) -> None:
    """Start its server anew, with nothing of it in memory: neither in the server's nor in the kernel's."""
    server = ledger.server
    server.end()
    for path in (server.base / "data" / "base").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    server.start()


def warmed(ledger: Ledger) -> None:
    """Have all of it in the kernel's memory, as a server has that was not just started."""
    for path in (ledger.server.base / "data" / "base").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 22):
                    pass


@contextmanager
def ledger(deployments: int, say: Callable[[str], None]) -> Iterator[Ledger]:
    """Yield the ledger with so many deployments, as it was made."""
    folder = _folder(deployments)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with folder.with_suffix(".lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SystemExit(f"{folder} is in use by another run; wait for it to end") from None
        made = _made(folder)
        server = _Kept(SETTINGS)
        if made is None:
            shutil.rmtree(folder, ignore_errors=True)
            folder.mkdir(mode=0o755)
            made = _make(server, folder, deployments, say)
        else:
            say(f"the ledger made {(time.time() - made['at']) / 3600:.1f} h ago is taken: {folder}")
            server.place(folder)
            server.start()
            call = PostgresCall(server.dsn(made["name"]), 600)  # migrations that have come since
            call.migrate()
            call.close()
        databases = Databases(server)
        try:
            with databases.owner(made["name"]) as db:
                db.execute(FORGET)
                db.execute("vacuum analyze public.deployment_current, public.deployment_watches")
                db.execute("checkpoint")
            owner, pipeline, board = (server.dsn(made["name"], user) for user in ("postgres", "deployer", "board"))
            yield Ledger(owner, pipeline, board, deployments, made["size"], server)
        finally:
            databases.close()
            server.end()


class _Kept(Server):
    """A server whose folder outlives it."""

    def end(self) -> None:
        """End it with everything on the disk."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            try:
                self.process.wait(timeout=120)
            except subprocess.TimeoutExpired:
                self.kill()


def _make(server: _Kept, folder: Path, deployments: int, say: Callable[[str], None]) -> dict[str, Any]:
    say(f"{deployments:,} deployments and {deployments * 10:,} events are made, once, in {folder}: some minutes")
    began = time.monotonic()
    try:
        server.create(folder)
        server.start()
        databases = Databases(server)
        databases.prepare()
        name = databases.new()
        with databases.owner(name) as db:
            size = load.fill(db, deployments, say)
            db.execute(REMEMBER)
            db.execute("create role board login password 'owner-of-the-tests' in role service_role, authenticated")
            db.execute("checkpoint")
        databases.close()
    except BaseException:
        server.stop()
        raise
    os.sync()
    made = {"name": name, "size": size, "at": time.time()}
    (folder / "made.json").write_text(json.dumps(made), encoding="utf-8")
    say(f"{size} made in {time.monotonic() - began:.0f} s")
    return made


def _folder(deployments: int) -> Path:
    """Give the folder of what this code makes; where nobody else may go to the cache, one that everybody may go to."""
    digest = hashlib.sha256(Path(load.__file__).read_bytes() + REMEMBER.encode())
    cache = ROOT / ".cache"
    cache.mkdir(exist_ok=True)
    reached = all(one.stat().st_mode & 0o001 for one in (cache, *cache.parents))
    parent = cache / "bench-board" if reached or os.getuid() else Path(f"/var/tmp/lockgate-bench-board-{os.getuid()}")  # noqa: S108
    return parent / f"{deployments}-{digest.hexdigest()[:12]}"


def _made(folder: Path) -> dict[str, Any] | None:
    try:
        made: dict[str, Any] = json.loads((folder / "made.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return made if time.time() - made["at"] < KEPT_SECONDS else None
