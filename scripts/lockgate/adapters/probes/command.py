"""Run a command of the user's: its exit code decides."""

import asyncio
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from lockgate.core.outcome import SHOWN, Outcome, Place, bad, good, unknown
from lockgate.core.probe_config import ProbeConfig
from lockgate.core.samples import Fault

OUTPUT_LIMIT = 64 * 1024
_TOLD_NOTHING = {75: "could not tell (75)", 126: "could not be run (126)", 127: "was not found (127)"}
"""By the exit codes of sysexits.h and of the shell."""
_LOOK_SECONDS = 0.02
"""Looking now and then needs no helper thread, and no pipe that a process left behind could hold open for ever."""


@dataclass(frozen=True, slots=True)
class CommandProbe:
    """One run through `sh`, in a process group of its own, of which nothing is left afterwards."""

    probe: ProbeConfig
    cwd: Path
    env: Mapping[str, str]

    async def ask(self, place: Place) -> Outcome:
        """Run it once."""
        try:
            process = subprocess.Popen(  # noqa: ASYNC220 - it is started and not waited for
                ["/bin/sh", "-c", self.probe.command],
                cwd=self.cwd,
                env={**self.env, "LOCKGATE_URL": place.url},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except OSError as error:
            return unknown(f"`{self.probe.command}` could not be run: {error.strerror}")
        output = bytearray()
        try:
            return await self._follow(process, output)
        finally:
            _end(process)

    async def _follow(self, process: "subprocess.Popen[bytes]", output: bytearray) -> Outcome:
        deadline = time.monotonic() + self.probe.timeout
        pipe = process.stdout.fileno() if process.stdout else -1
        os.set_blocking(pipe, False)
        while True:
            code = process.poll()
            _drain(pipe, output)
            if len(output) > OUTPUT_LIMIT:
                return self._bad(f"printed more than {OUTPUT_LIMIT // 1024} KiB", output)
            if code is not None:
                return self._judge(code, output)
            if time.monotonic() > deadline:
                return self._bad(f"ran past {self.probe.timeout:g} s", output)
            await asyncio.sleep(_LOOK_SECONDS)

    def _judge(self, code: int, output: bytearray) -> Outcome:
        if code in _TOLD_NOTHING:
            return unknown(f"`{self.probe.command}` {_TOLD_NOTHING[code]}: {_tail(output)}")
        if code == 0:
            return good(self.probe.feeds)
        return self._bad(f"ended by signal {-code}" if code < 0 else f"ended with code {code}", output)

    def _bad(self, how: str, output: bytearray) -> Outcome:
        return bad(self.probe.feeds, Fault.COMMAND, f"`{self.probe.command}` {how}: {_tail(output)}")


def _drain(pipe: int, output: bytearray) -> None:
    """Read what is there, no more than is allowed."""
    with suppress(BlockingIOError):
        while len(output) <= OUTPUT_LIMIT and (chunk := os.read(pipe, OUTPUT_LIMIT)):
            output += chunk


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End the whole group at once: a question has nothing to save."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    if process.stdout:
        process.stdout.close()


def _tail(output: bytearray) -> str:
    return output[-SHOWN:].decode(errors="replace").strip() or "it said nothing"
