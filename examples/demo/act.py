"""Run a workflow with act, and tell what happens as events.

act runs the real workflow files on this machine. It has no environments, so it asks nobody for approval; it knows no
concurrency groups and no permissions; and each external action needs a stand-in (tests/fixtures/act-standins).
"""

import json
import os
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

from demo.sandbox import PROJECT, REF, REPOSITORY, Sandbox, user_cache
from lockgate.core.redaction import printable

_END_SECONDS = 10.0
STANDINS = PROJECT / "tests" / "fixtures" / "act-standins"


class Kind(StrEnum):
    """What an event tells."""

    JOB_BEGAN = "job_began"
    JOB_ENDED = "job_ended"
    OUTPUT = "output"
    SUMMARY = "summary"
    LINE = "line"
    """A line that a step printed."""
    TROUBLE = "trouble"
    """Something act itself has to say."""


@dataclass(frozen=True, slots=True)
class ActEvent:
    """One thing that happened in a job."""

    kind: Kind
    job: str = ""
    """The job in the workflow that the caller called: `Test`, `Production`."""
    step: str = ""
    """The id of the step, for outputs."""
    name: str = ""
    """The name of the output."""
    text: str = ""
    """The line, the output's value, the summary, or how the job ended."""


@dataclass(slots=True)
class Run:
    """One run of a workflow: what it has told so far."""

    process: "subprocess.Popen[str]"
    jobs: dict[str, str] = field(default_factory=dict)
    """Job -> `success` or `failure`, once it has ended."""
    outputs: dict[str, dict[str, str]] = field(default_factory=dict)
    """Job -> the outputs of its step `lockgate`."""
    lines: list[str] = field(default_factory=list)
    """What was printed."""
    log: Path | None = None
    """Where act's own log is kept, as it came."""
    _queue: "queue.Queue[ActEvent | None]" = field(default_factory=queue.Queue)

    def events(self, every: float = 0.1) -> Iterator[ActEvent | None]:
        """Give events as they come, and None whenever there was none for `every` seconds; end with the run."""
        reader = threading.Thread(target=self._read, daemon=True)
        reader.start()
        while True:
            try:
                event = self._queue.get(timeout=every)
            except queue.Empty:
                yield None
                continue
            if event is None:
                break
            self._remember(event)
            yield event
        try:
            self.process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:  # it lost its reader, and would wait for it
            self.process.terminate()
            self.process.wait()

    def finish(self) -> int:
        """Wait for the end and give act's exit code."""
        for _ in self.events():
            pass
        return self.process.returncode

    def result(self, job: str) -> dict[str, Any]:
        """Give the result that Lockgate left as the job's output, or {} where it left none."""
        found = json.loads(self.outputs.get(job, {}).get("result") or "{}")
        return found if isinstance(found, dict) else {}

    def _read(self) -> None:
        assert self.process.stdout is not None
        try:
            with (self.log or Path(os.devnull)).open("w", encoding="utf-8") as log:
                for line in self.process.stdout:
                    log.write(line)
                    if event := parse(line):
                        self._queue.put(event)
        finally:
            self._queue.put(None)  # even where the log could not be written: nobody must wait for ever

    def _remember(self, event: ActEvent) -> None:
        if event.kind is Kind.JOB_ENDED:
            self.jobs[event.job] = event.text
        elif event.kind is Kind.OUTPUT and event.step == "lockgate":
            self.outputs.setdefault(event.job, {})[event.name] = event.text
        elif event.kind in {Kind.LINE, Kind.TROUBLE}:
            self.lines.append(event.text)


def start(
    sandbox: Sandbox,
    event: str,
    *options: str,
    artifacts: str = "1",
    log: Path | None = None,
    repository: Path | None = None,
) -> Run:
    """Run a repository's workflows for an event, such as `push`: the shop's, where no other is named.

    `artifacts` keeps the runs' artifacts apart; `options` are act's own.
    """
    act = str(Path(sys.executable).with_name("act"))  # of this environment's group `demo`
    command = [act, event, *options, "--json", "--platform", "ubuntu-latest=-self-hosted"]
    command += ["--local-repository", f"{REPOSITORY}@{REF}={sandbox.lockgate}"]
    for action, pin in external_actions(sandbox.lockgate / ".github" / "workflows"):
        stand_in = STANDINS / action.removeprefix("actions/")
        if stand_in.is_dir():
            command += ["--local-repository", f"{action}@{pin}={stand_in}"]
    command += ["--no-cache-server", "--pull=false", "--container-daemon-socket", "-"]
    command += ["--artifact-server-addr", "127.0.0.1", "--action-cache-path", str(sandbox.root / "cache" / "actions")]
    # The steps share the person's uv cache, so that nothing is fetched twice.
    steps = {
        "XDG_CACHE_HOME": str(user_cache()),
        "LOCAL_ARTIFACTS": str(sandbox.root / "artifacts" / artifacts),
        "LOCKGATE_STATE_DIR": str(sandbox.state),
    }
    for name, value in steps.items():
        command += ["--env", f"{name}={value}"]
    process = subprocess.Popen(
        command,
        cwd=repository or sandbox.shop,
        env=sandbox.env(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,  # Ctrl-C is for the demo, which then ends the run in its own order
    )
    return Run(process, log=log)


def external_actions(workflows: Path) -> set[tuple[str, str]]:
    """Find every external action and its pin: act fetches each one of a job before the job begins."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in workflows.glob("*.yml"))
    return set(re.findall(r"uses: (actions/[\w-]+)@([0-9a-f]{40})", text))


def parse(line: str) -> ActEvent | None:
    """Read one line of act's log; None for what nobody needs to know."""
    try:
        entry = json.loads(line)
    except ValueError:
        entry = {"level": "error", "msg": line}  # such as its last words: Error: Job 'x' failed
    if not isinstance(entry, dict):
        return None
    job, *called = str(entry.get("job", "")).rstrip().split("/")
    if called[-1:] == ["Brief"]:
        job = "Brief"  # a job of the same call, which ends before the other begins
    return _milestone(entry, job) or _said(entry, job, printable(str(entry.get("msg", ""))).strip())


def _milestone(entry: dict[str, Any], job: str) -> ActEvent | None:
    # What a composite action's steps hand over comes twice, from the inside out; the outermost is the workflow's.
    step, *inner = entry.get("stepID") or [""]
    match entry:
        case {"jobResult": str(how)}:
            return ActEvent(Kind.JOB_ENDED, job, text=how)
        case {"step": "Set up job", "msg": str(text)} if "Run" in text:
            return ActEvent(Kind.JOB_BEGAN, job)
        case {"command": "set-output", "name": str(name), "arg": str(value)} if not inner:
            return ActEvent(Kind.OUTPUT, job, step, name, value)
        case {"command": "summary", "content": str(content)} if not inner:
            return ActEvent(Kind.SUMMARY, job, step, text=content)
    return None


def _said(entry: dict[str, Any], job: str, text: str) -> ActEvent | None:
    if entry.get("raw_output"):
        return ActEvent(Kind.LINE, job, text=text)
    return ActEvent(Kind.TROUBLE, job, text=text) if entry.get("level") == "error" and text else None
