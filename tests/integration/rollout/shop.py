"""A small project on disk, driven through the command line as a person would."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any

import yaml

from tests.forked import Forked
from tests.ports import free_port

SERVICE = Path(__file__).with_name("service.py")
SERVED = Path(__file__).parents[2] / "services" / "served.py"


class Shop:
    """One service with one or two environments, short gates, and a state directory of its own."""

    def __init__(self, root, **environment):
        self.root = root
        self.state = root / ".lockgate"
        self.port = free_port()
        for file in (SERVICE, SERVED):
            (root / file.name).write_text(file.read_text())
        gate = {
            "probes": [{"path": "/", "json": {"status": "ok"}, "timeout": "3s"}],
            "version": {"header": "X-Version"},
            "rate": 40,
            "detect": "30%",
            "minimum_samples": 10,
            "minimum_span": "300ms",
            "pre_promotion": "8s",
            "bake": "700ms",
            "verify": "8s",
        }
        self.config: dict[str, Any] = {
            "service": "shop",
            "test": {"command": "true", "junit": "", "coverage": ""},
            "build": {"kind": "bundle", "bundle": {"start": f"exec {sys.executable} -S service.py"}},
            # Test machines are busy; the one test about speed is slower than this.
            "budgets": {"response": "2s"},
            "environments": {
                "production": {
                    "target": {"kind": "local", "port": self.port, "start_timeout": "10s"},
                    "strategy": {"steps": [50, 100], "pause": "400ms", "drain": "200ms"},
                    "gate": gate,
                }
            },
        }
        self.config["environments"]["production"].update(environment)
        self.write()

    @property
    def gate(self):
        return self.config["environments"]["production"]["gate"]

    def pause(self, duration):
        """Watch each step for so long: enough to be sure, where a release is to fail there."""
        self.config["environments"]["production"]["strategy"]["pause"] = duration
        self.write()

    def write(self):
        (self.root / "lockgate.yml").write_text(yaml.safe_dump(self.config))

    def build(self, version, **behaviour):
        (self.root / "behaviour.json").write_text(json.dumps({"version": version, **behaviour}))
        code, result, progress = self.lockgate("build", LOCKGATE_VERSION=version)
        assert code == 0, progress
        return result["image"]

    def start(self, *words, largest_file=None, measured=False, **env):
        """Start a command; its progress goes to standard error, its result to standard output.

        `largest_file` is the kernel's limit on the size of any file it writes, in bytes: a disk that is full.
        """
        foreign = ("GITHUB_", "LOCKGATE_", "ACT")
        given = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
        given |= {"PYTHONFAULTHANDLER": "1", **env}
        return Forked(
            [words[0], "--json", *words[1:]], cwd=self.root, env=given, largest_file=largest_file, measured=measured
        )

    def finish(self, process):
        """Wait for a command; give its exit code, its result and its progress."""
        try:
            out, err = process.communicate(timeout=60)
        except subprocess.TimeoutExpired:
            # Have it say where it stands, instead of only that it stands.
            process.send_signal(signal.SIGABRT)
            raise AssertionError(process.communicate(timeout=10)) from None
        assert "Traceback" not in err, err
        return process.returncode, json.loads(out) if out.strip() else None, err

    def lockgate(self, *words, **env):
        return self.finish(self.start(*words, measured=True, **env))

    def deploy(self, version, *words, **behaviour):
        """Build and deploy a version that behaves so."""
        self.build(version, **behaviour)
        return self.lockgate("deploy", "production", *words)

    def serving(self):
        """Ask production who answers; "" where nobody does."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/", timeout=5) as answer:
                return answer.headers["X-Version"]
        except OSError:
            return ""

    def journal(self):
        """Give the kinds of all events; none where the ledger has just been made and has no table yet."""
        with sqlite3.connect(f"file:{self.state / 'ledger.db'}?mode=ro", timeout=30, uri=True) as db:
            if not db.execute("select 1 from sqlite_schema where name = 'events'").fetchone():
                return []
            return [kind for (kind,) in db.execute("select kind from events order by rollout, seq")]

    def wait_for(self, kind, *, count=1, process=None):
        """Wait until the journal holds `count` events of this kind."""
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if (self.state / "ledger.db").exists() and self.journal().count(kind) >= count:
                return
            assert process is None or process.poll() is None, process.communicate()
            time.sleep(0.02)
        raise AssertionError(f"{kind} was not seen: {self.journal()}")

    def close(self):
        """End everything this project started on this machine."""
        code, _, err = self.lockgate("stop")
        assert code == 0, err
