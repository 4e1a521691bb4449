"""What every command works on: the config, the state directory, the person watching and the machine around."""

import argparse
import json
import secrets as randomness
import subprocess
import sys
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lockgate.adapters.clock import Clock, SystemClock
from lockgate.adapters.console import Console
from lockgate.adapters.runner import Runner
from lockgate.adapters.state import make_directory, write_json
from lockgate.core import dossier, fleet_plan, markdown
from lockgate.core.config import Config, EnvironmentConfig
from lockgate.core.reasons import Decision
from lockgate.core.redaction import hidden, parts
from lockgate.core.result import Result
from lockgate.errors import LockgateError, UnknownEnvironmentError

if TYPE_CHECKING:
    from lockgate.adapters.azure.identity import Credential

CONFIG_NAME = "lockgate.yml"
_GIT_SECONDS = 10.0


@dataclass(frozen=True)
class Project:
    """One repository on one machine."""

    root: Path
    config_path: Path
    state_path: Path
    runner: Runner
    console: Console
    clock: Clock

    @classmethod
    def open(cls, arguments: argparse.Namespace) -> "Project":
        """Find the project from the command line, then the action's inputs, then the defaults."""
        runner = Runner(stdout=sys.stderr if arguments.json else None)
        config = Path(arguments.config or runner.input("config") or CONFIG_NAME).absolute()
        root = config.parent
        state = Path(arguments.state_dir or runner.input("state-dir") or root / ".lockgate").absolute()
        clock = SystemClock()
        console = Console(sys.stderr if arguments.json else sys.stdout, clock=clock)
        return cls(root, config, state, runner, console, clock)

    @cached_property
    def config(self) -> Config:
        """The validated config; loading it is what raises ConfigError."""
        from lockgate.adapters.config_file import load  # noqa: PLC0415 - YAML and the schema, only where needed

        config = load(self.config_path)
        # What it calls a secret is hidden from now on, whoever it is for: a test may print it, a service may send it.
        for variable in config.secret_variables:
            self.runner.secret(variable)
        self.console.secrets.extend(self.runner.secrets)
        return config

    @cached_property
    def state(self) -> Path:
        """The state directory, made and checked to be writable."""
        return make_directory(self.state_path)

    @property
    def state_is_named(self) -> bool:
        """Whether somebody chose where the state is kept: it is neither the folder here nor the one of the job."""
        return self.state_path != self.root / ".lockgate" and not self.runner.is_of_the_job(self.state_path)

    @cached_property
    def commit(self) -> str:
        """The commit that is being shipped: what GitHub says, else what git says, else ""."""
        return self.runner.commit or self._git("rev-parse", "HEAD")

    @cached_property
    def version(self) -> str:
        """What people call this release: the input, else what git describes, else "dev"."""
        described = self._git("describe", "--tags", "--always", "--dirty")
        return self.runner.input("version") or described or self.commit[:12] or "dev"

    @cached_property
    def signed_in(self) -> "dict[tuple[str, ...], Credential]":
        """Who is signed in to Azure: tenant, client and authority -> credential."""
        return {}

    @property
    def holder(self) -> str:
        """Who holds a lease, for the next who wants it."""
        return f"{self.runner.actor} ({self.runner.run_url or 'this machine'})"

    def new_id(self) -> str:
        """Make the id of a rollout: sortable, and nobody else's."""
        return f"{self.clock.now():%Y%m%dT%H%M%S}-{randomness.token_hex(3)}"

    def environment(self, name: str) -> EnvironmentConfig:
        """The environment of that name; raise UnknownEnvironmentError."""
        known = self.config.environments
        if name in known:
            return known[name]
        fleet, _, member = name.partition("/")
        if fleet in known and member in known[fleet].targets:
            return fleet_plan.member(known[fleet], member)
        raise UnknownEnvironmentError(
            f'There is no environment "{name}" in {self.config_path.name}.',
            fix=f"It has: {', '.join(known) or 'none'}.",
        )

    def aside(self) -> "Project":
        """Give the same project with its progress on standard error: standard output is for data alone."""
        return replace(self, console=Console(sys.stderr, clock=self.clock))

    def hide(self, value: Any) -> Any:
        """Redact what leaves this process: a text, or a JSON value. A name of the config is no secret."""
        config = self.__dict__.get("config")
        named = {config.service, *config.environments} if config else set()
        secrets = parts({*self.console.secrets, *self.runner.secrets}) - named
        # In Markdown, in JSON within a text, and in what Python says of a value they are written in another way.
        ways = (markdown.escape, lambda one: json.dumps(one)[1:-1], lambda one: repr(one)[1:-1])
        return hidden(value, secrets | {way(one) for one in secrets for way in ways})

    def publish(self, result: Result) -> dict[str, Any]:
        """Hand a result to whatever follows: outputs, summary, annotation, state directory. Give its JSON form."""
        told: dict[str, Any] = self.hide(result.to_dict())
        self.runner.publish(told, self.hide(result.summary), dossier.evidence(told))
        if result.decision not in {Decision.PASSED, Decision.DEPLOYED}:
            self.runner.annotate("error", told["message"], title=f"lockgate {result.command}")
        if self.state_path.is_dir():
            self.keep(result)
        return told

    def keep(self, result: Result) -> None:
        """Keep a result in the state directory, for the next command on this machine."""
        name = "-".join(filter(None, [result.command, result.environment]))
        write_json(self.result_file(f"{name}.json"), self.hide(result.to_dict()))

    def result_file(self, name: str) -> Path:
        """Give where a result goes, or what belongs to it; `recover-production/eu` is a file beside the others."""
        return make_directory(self.state / "results") / name.replace("/", "@")

    def _git(self, *arguments: str) -> str:
        try:
            done = subprocess.run(
                ["git", "-C", str(self.root), *arguments],
                env=self.runner.bare_env(),
                capture_output=True,
                text=True,
                timeout=_GIT_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return ""
        return done.stdout.strip() if done.returncode == 0 else ""


def failure(error: LockgateError, command: str) -> Result:
    """The result of a command that ended with an error."""
    summary = f"### ✗ lockgate {command}: {error.decision.value}\n\n{markdown.block(str(error))}"
    return Result(command, error.decision, error.reason, error.what, summary=summary)
