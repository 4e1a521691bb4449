"""`lockgate` in a process of its own, forked from one that has imported everything: a second of start-up, saved each time.

What runs is the program itself, with its own arguments, environment, folder, limits and signals, and its own end; only
the loading of Python and of the packages was done before. Tests about that loading start the real command instead.
"""

import atexit
import contextlib
import faulthandler
import gc
import io
import json
import os
import resource
import selectors
import signal
import socket
import subprocess
import sys
import threading
import traceback
from collections import Counter
from functools import cache
from pathlib import Path

import coverage.control
from coverage import Coverage

ROOT = Path(__file__).parents[1]
LARGEST_REQUEST = 1 << 17
MEASURED = 1
"""How often coverage counts in each command, for each worker: the rest would be written down for the same lines again."""
IMPORTED = (
    "lockgate",
    "aiohttp.web",
    "azure.identity",
    "azure.mgmt.core",
    "github",
    "h11",
    "jsonschema.validators",
    "lockgate.adapters.config_file",
    "lockgate.adapters.local.target",
    "lockgate.cli",
    "lockgate.commands.adopt",
    "lockgate.commands.brief",
    "lockgate.commands.build_bundle",
    "lockgate.commands.deploy",
    "lockgate.commands.fleets",
    "lockgate.commands.gate",
    "lockgate.commands.recover",
    "lockgate.commands.rollback",
    "lockgate.commands.scan",
    "lockgate.commands.status",
    "lockgate.commands.stop",
    "lockgate.commands.test",
    "psycopg",
    "requests",
    "rich._emoji_codes",
    "rich.console",
    "rich.table",
    "sqlite3",
)


class Forked:
    """One running `lockgate`, with what a test needs of `subprocess.Popen`."""

    def __init__(self, words, *, cwd, env, stdin=b"", largest_file=None, measured=True):
        """Start it. `largest_file` is the kernel's limit on the size of any file it writes, in bytes: a full disk.

        What is to get a signal must not be `measured`: coverage would keep its own lock if that came while it has it.
        """
        self.args = ["lockgate", *words]
        out, err = os.pipe(), os.pipe()
        self.stdout, self.stderr = open(out[0], encoding="utf-8"), open(err[0], encoding="utf-8")  # noqa: PTH123, SIM115
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._end = ours
        request = {
            "words": list(words),
            "cwd": str(cwd),
            "env": env,
            "largest_file": largest_file,
            "measured": measured,
        }
        with theirs:
            read = os.memfd_create("stdin")
            os.write(read, stdin)
            os.lseek(read, 0, os.SEEK_SET)
            _server().ask(request, [read, out[1], err[1], theirs.fileno()])
        for each in (read, out[1], err[1]):
            os.close(each)
        self.pid = int(ours.recv(16))
        self.returncode = None
        self._readers = []

    def poll(self):
        """Give the exit code, the negative number of the signal that ended it, or None."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(0)
        return self.returncode

    def wait(self, timeout=None):
        """Wait for its end; raise subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._end.settimeout(timeout)
            try:
                self.returncode = int(self._end.recv(16))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(self.args, timeout) from None
            self._end.close()
        return self.returncode

    def communicate(self, timeout=None):
        """Read all it says, and wait for its end; raise subprocess.TimeoutExpired, after which this may be called again."""
        self._readers = self._readers or [_Reader(self.stdout), _Reader(self.stderr)]
        self.wait(timeout)
        return tuple(each.text() for each in self._readers)

    def send_signal(self, number):
        """Send it a signal, if it has not ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self):
        """End it at once."""
        self.send_signal(signal.SIGKILL)


def run(words, *, cwd, env, stdin=b"", timeout=60):
    """Run a command to its end; give what `subprocess.run` gives, or raise subprocess.TimeoutExpired."""
    command = Forked(words, cwd=cwd, env=env, stdin=stdin)
    try:
        out, err = command.communicate(timeout)
    except subprocess.TimeoutExpired:
        command.kill()
        raise
    return subprocess.CompletedProcess(command.args, command.returncode, out, err)


class _Reader(threading.Thread):
    def __init__(self, stream):
        super().__init__(daemon=True)
        self._stream, self._read = stream, io.StringIO()
        self.start()

    def run(self):
        with self._stream:
            for line in self._stream:
                self._read.write(line)

    def text(self):
        # What it started may hold the other end open for longer than it lived.
        self.join(timeout=10)
        return self._read.getvalue()


class _Server:
    def __init__(self):
        self._ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            argv = [sys.executable, "-c", f"from tests.forked import serve; serve({theirs.fileno()})"]
            path = os.pathsep.join(map(str, (ROOT, ROOT / "scripts")))
            env = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LOCKGATE_", "ACT"))}
            self._process = subprocess.Popen(
                argv, cwd=ROOT, env={**env, "PYTHONPATH": path}, pass_fds=[theirs.fileno()]
            )
        atexit.register(self.close)

    def ask(self, request, descriptors):
        socket.send_fds(self._ours, [json.dumps(request).encode()], descriptors)

    def close(self):
        self._ours.close()
        self._process.wait()


@cache
def _server():
    return _Server()


def serve(descriptor):
    """Fork a `lockgate` for each request, and say how each ended; return when nobody can ask any more."""
    gc.disable()
    for name in IMPORTED:
        __import__(name)
    gc.freeze()
    gc.enable()
    woken, wake = socket.socketpair()
    woken.setblocking(False)
    wake.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    running, begun = {}, Counter()
    with socket.socket(fileno=descriptor) as asked, selectors.DefaultSelector() as selector:
        selector.register(asked, selectors.EVENT_READ)
        selector.register(woken, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is woken:
                    woken.recv(4096)
                    _say_who_ended(running)
                    continue
                message, descriptors, _, _ = socket.recv_fds(asked, LARGEST_REQUEST, 4)
                if not message:
                    return
                request = json.loads(message)
                begun[request["words"][0]] += 1
                *standard, end = descriptors
                if (child := os.fork()) == 0:
                    for each in (asked, woken, wake, *running.values()):
                        each.close()
                    os.close(end)
                    selector.close()
                    _measure(wanted=request["measured"] and begun[request["words"][0]] <= MEASURED)
                    _become(request, standard)
                for each in standard:
                    os.close(each)
                running[child] = socket.socket(fileno=end)
                running[child].sendall(str(child).encode())


def _say_who_ended(running):
    while running:
        child, status = os.waitpid(-1, os.WNOHANG)
        if not child:
            return
        with running.pop(child) as end, contextlib.suppress(BrokenPipeError):
            end.sendall(str(os.waitstatus_to_exitcode(status)).encode())


def _measure(*, wanted):
    """Have coverage count in this process, or not: most of what it costs is writing down the same again."""
    if (inherited := Coverage.current()) is None:
        return
    if wanted:
        coverage.control._after_fork_in_child()
    else:
        inherited.stop()
        inherited._auto_save = False


def _become(request, standard):
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for there, here in enumerate(standard):
        os.dup2(here, there)
        os.close(here)
    os.environ.clear()
    os.environ.update(request["env"])
    if "PYTHONFAULTHANDLER" in os.environ:
        faulthandler.enable()
    os.chdir(request["cwd"])
    sys.argv = ["lockgate", *request["words"]]
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    if request["largest_file"] is not None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (request["largest_file"], before[1]))
    from lockgate.__main__ import main  # noqa: PLC0415 - coverage has begun anew in this process

    code = 1
    try:
        code = main()
    except SystemExit as end:
        code = end.code
    except BaseException:  # noqa: BLE001 - said as Python would, and then it ends
        traceback.print_exc()
    # What coverage has counted is written when all is over.
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    # Taking everything down that was loaded would cost more than most commands.
    os._exit(code if isinstance(code, int) else int(code is not None))
