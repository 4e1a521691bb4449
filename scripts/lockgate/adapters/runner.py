"""The one door to the machine that runs us: the only reader of the environment, and the only writer of GitHub's files.

On GitHub the inputs come as LOCKGATE_* variables and the results leave through GITHUB_OUTPUT, GITHUB_STEP_SUMMARY and
workflow commands; on a laptop the same calls do nothing, or print.
"""

import getpass
import json
import os
import secrets as tokens
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TextIO

from lockgate.core import handed_secrets
from lockgate.core.redaction import SHORTEST_SECRET, redact
from lockgate.core.workflow_command import command
from lockgate.errors import ConfigInvalidError

OUTPUTS = ("decision", "reason-code", "result", "ending", "image", "url", "evidence", "spool")
"""Everything this action may output; action.yml is tested equal."""
INPUTS = ("environment", "targets", "config", "state-dir", "image", "artifact", "output", "version", "approve", "ref",
          "override", "github-token", "evidence", "previous", "scan", "against", "workflow", "kind",
          "brief")  # fmt: skip
"""Everything a command may take from LOCKGATE_* variables."""
_FROM_THE_RUNNER = ("ACTIONS_", "LOCKGATE_", "GITHUB_OUTPUT", "GITHUB_ENV", "GITHUB_PATH", "GITHUB_STATE",
                    "GITHUB_STEP_SUMMARY")  # fmt: skip
_TOKENS = ("LOCKGATE_GITHUB_TOKEN", "GITHUB_TOKEN", "GH_TOKEN", "ACTIONS_ID_TOKEN_REQUEST_TOKEN",
           "ACTIONS_RUNTIME_TOKEN")  # fmt: skip
_HARMLESS = ("PATH", "HOME", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY",
             "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy")  # fmt: skip
HANDED = "LOCKGATE_SECRETS"
"""The variable with the secrets of a GitHub environment, as one JSON object: see docs/github.md."""


@dataclass(frozen=True, slots=True)
class Hosted:
    """The repository and the run on GitHub; empty outside of it."""

    repository: str
    """OWNER/NAME."""
    run_id: str
    api_url: str
    server_url: str


class Runner:
    """What surrounds the process."""

    def __init__(self, env: Mapping[str, str] | None = None, stdout: TextIO | None = None) -> None:
        self._env = dict(os.environ if env is None else env)
        # Out of it, so that nothing that looks a variable up or hands them on can meet the whole of it.
        self._handed = self._env.pop(HANDED, "")
        self._stdout = stdout or sys.stdout
        self.secrets = [self._env[name] for name in _TOKENS if self._env.get(name)]
        """What was read and must be shown nowhere: what speaks for this job or person, and what the config names."""
        self.in_actions = self._env.get("GITHUB_ACTIONS") == "true"
        self.in_act = self._env.get("ACT") == "true"

    def input(self, name: str) -> str:
        """The value of an input, or "" where it was not given."""
        if name not in INPUTS:
            raise KeyError(name)
        return self._env.get("LOCKGATE_" + name.upper().replace("-", "_"), "")

    def secret(self, variable: str) -> str | None:
        """The value of a variable that the config names, masked in the log from now on; raise ConfigInvalidError.

        What was handed over for this environment wins: a machine's own variable is there for each of its jobs.
        """
        if value := self.handed.get(variable) or self._env.get(variable):
            self.mask(value)
            self.secrets.append(value)
        return value

    @cached_property
    def handed(self) -> Mapping[str, str]:
        """The secrets that came as one JSON object, all masked; raise ConfigInvalidError where it is none."""
        try:
            found = handed_secrets.read(self._handed)
        except ValueError as problem:
            raise ConfigInvalidError(
                f"${HANDED} cannot be used: {problem}.",
                why="It is a JSON object: the names of variables, as in lockgate.yml, each with its value as text.",
                fix='Set the secret anew, like {"SLACK_WEBHOOK": "https://..."}: see docs/github.md.',
            ) from None
        for value in found.values():
            self.mask(value)
            self.secrets += [value, *value.splitlines()]
        return found

    def board(self, name: str) -> str:
        """The value of one of the board's own settings, or ""."""
        return self._env.get(f"LOCKGATE_BOARD_{name}", "")

    @property
    def home(self) -> Path:
        """The person's home directory."""
        return Path(self._env.get("HOME") or Path.home())

    @property
    def commit(self) -> str:
        """The commit that GitHub says this run is for, or ""."""
        return self._env.get("GITHUB_SHA", "")

    @property
    def ends_with_the_job(self) -> bool:
        """Whether this machine is one of GitHub's own runners: gone, with its disk, when the job ends."""
        return self._env.get("RUNNER_ENVIRONMENT") == "github-hosted"

    def is_of_the_job(self, state: Path) -> bool:
        """Whether it is what action.yml takes where no state directory was named; it ends with the job everywhere."""
        return state == Path(self._env.get("RUNNER_TEMP", ""), "lockgate-state")

    @property
    def oidc(self) -> tuple[str, str] | None:
        """Where this job may ask GitHub for a token about itself, and the bearer for it; None where it may not."""
        url, bearer = (self._env.get(f"ACTIONS_ID_TOKEN_REQUEST_{name}", "") for name in ("URL", "TOKEN"))
        return (url, bearer) if url and bearer else None

    @property
    def ca_bundle(self) -> str:
        """The file with the CAs to trust, by the usual variables, or "" for the machine's own."""
        names = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
        return next((self._env[name] for name in names if self._env.get(name)), "")

    @property
    def actor(self) -> str:
        """Who started this run."""
        return self._env.get("GITHUB_ACTOR") or _user()

    @property
    def run_url(self) -> str:
        """The page of this run, or "" outside GitHub."""
        server, repository, run = (
            self._env.get(f"GITHUB_{name}", "") for name in ("SERVER_URL", "REPOSITORY", "RUN_ID")
        )
        return f"{server}/{repository}/actions/runs/{run}" if server and repository and run else ""

    @property
    def protected_ref(self) -> bool:
        """Whether the branch that this run is for has protections, as GitHub says."""
        return self._env.get("GITHUB_REF_PROTECTED", "") == "true"

    @property
    def hosted(self) -> Hosted:
        """Where this run belongs on GitHub."""
        return Hosted(
            self._env.get("GITHUB_REPOSITORY", ""),
            self._env.get("GITHUB_RUN_ID", ""),
            self._env.get("GITHUB_API_URL") or "https://api.github.com",
            self._env.get("GITHUB_SERVER_URL") or "https://github.com",
        )

    @property
    def github_token(self) -> str:
        """The token that speaks for this job; on a laptop, the person's own; "" where there is none. Masked."""
        token = self.input("github-token")
        if not token and not self.in_actions:
            token = self._env.get("GH_TOKEN") or self._env.get("GITHUB_TOKEN", "")
        self.mask(token)
        return token

    def child_env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a command of the user's: all but what lets a process speak for this job.

        Nothing to write outputs with, no token of the run, none of our inputs; and where Lockgate's own environment is
        the active one, it is not theirs. The folder of Lockgate's own uv comes last on the path, so that `uv` works
        on every runner.
        """
        env = {name: value for name, value in self._env.items() if not name.startswith(_FROM_THE_RUNNER)}
        if env.get("VIRTUAL_ENV") == sys.prefix:
            del env["VIRTUAL_ENV"]
        if ours := self._env.get("LOCKGATE_UV"):
            env["PATH"] = os.pathsep.join(filter(None, [env.get("PATH", ""), str(Path(ours).parent)]))
        return env | dict(extra or {})

    def bare_env(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        """The environment for a program that is not trusted with anything: a path, a home, a proxy, no token."""
        return {name: self._env[name] for name in _HARMLESS if name in self._env} | dict(extra or {})

    def mask(self, value: str) -> None:
        """Have GitHub hide a value in each later line; were a brace hidden, it would withhold every output in JSON."""
        for line in value.splitlines():
            if len(line.strip()) >= SHORTEST_SECRET:
                self._command("add-mask", line)

    def annotate(self, level: str, message: str, *, file: str = "", line: int = 0, title: str = "") -> None:
        """Put a note on a file, or on the run: `level` is notice, warning or error."""
        shown = {"file": redact(file, self.secrets), "line": str(line or ""), "title": redact(title, self.secrets)}
        self._command(level, redact(message, self.secrets), shown)

    def set_output(self, name: str, value: str) -> None:
        """Set an output of the step."""
        if name not in OUTPUTS:
            raise KeyError(name)
        self._append("GITHUB_OUTPUT", _heredoc(name, value))

    @property
    def source(self) -> tuple[str, str, str]:
        """The repository, the ref and the workflow file of this run, each "" outside GitHub."""
        names = ("REPOSITORY", "REF", "WORKFLOW_REF")
        repository, ref, workflow = (self._env.get(f"GITHUB_{name}", "") for name in names)
        return repository, ref, workflow

    def publish(self, result: Mapping[str, Any], summary: str, evidence: Mapping[str, Any] | None = None) -> None:
        """Hand a result's JSON form to whatever follows: the step's outputs and the job's summary."""
        # What is handed to a later job becomes a variable there, and none may have more than 128 KiB.
        ending = {name: value for name, value in result.items() if name != "data"}
        for name in ("decision", "reason_code", "image", "url"):
            self.set_output(name.replace("_", "-"), result[name])
        for name, value in (("result", result), ("ending", ending), ("evidence", evidence)):
            self.set_output(name, json.dumps(value, separators=(",", ":")) if value else "")
        self.set_output("spool", self._spool())
        if summary:
            self.add_summary(summary)

    def _spool(self) -> str:
        """Give the folder of what waits for the ledger, "" where nothing does: this machine may end with the job."""
        folder = Path(self.input("state-dir") or ".lockgate").absolute() / "spool"
        return str(folder) if any(folder.glob("*.jsonl")) else ""

    def add_summary(self, markdown: str) -> None:
        """Add to the job's summary page."""
        self._append("GITHUB_STEP_SUMMARY", markdown.rstrip("\n") + "\n\n")

    def _append(self, variable: str, text: str) -> None:
        if path := self._env.get(variable):
            with Path(path).open("a", encoding="utf-8") as file:
                file.write(text)

    def _command(self, name: str, message: str, properties: Mapping[str, str] | None = None) -> None:
        if self.in_actions:
            print(command(name, message, properties), file=self._stdout, flush=True)


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container whose user has no name
        return f"user {os.getuid()}"


def _heredoc(name: str, value: str) -> str:
    # A fixed delimiter could be closed by the value itself and set any other output.
    delimiter = f"lockgate-{tokens.token_hex(16)}"
    return f"{name}<<{delimiter}\n{value}\n{delimiter}\n"
