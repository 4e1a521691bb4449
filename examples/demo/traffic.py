"""Users, as far as a program can be some: a strict load client (bench.load) against production."""

import json
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from demo.sandbox import PROJECT

CONNECTIONS = 20
WEBSOCKETS = 3
RATE = 120
"""Requests a second."""
_END_SECONDS = 15.0


@dataclass(slots=True)
class Traffic:
    """One load, from its start until `end`."""

    process: "subprocess.Popen[str]"
    log: Path

    @classmethod
    def start(cls, url: str, env: dict[str, str], log: Path) -> "Traffic":
        """Begin; the client ends with us at the latest, because it then loses its standard input."""
        command = [sys.executable, "-m", "bench.load", url, "--json", "--until-stdin-closes"]
        command += ["--connections", str(CONNECTIONS), "--websockets", str(WEBSOCKETS), "--rate", str(RATE)]
        with log.open("w", encoding="utf-8") as out:
            process = subprocess.Popen(
                command, cwd=PROJECT, env=env, stdin=subprocess.PIPE, stdout=out, text=True, start_new_session=True
            )
        return cls(process, log)

    def end(self) -> dict[str, Any]:
        """Stop, and give bench.load's report; {} where it left none, which is never a success."""
        self.process.communicate(timeout=_END_SECONDS)
        lines = self.log.read_text(encoding="utf-8").splitlines()
        with suppress(IndexError, ValueError, KeyError):
            return dict(json.loads(lines[-1])["report"])
        return {}
