"""Give this machine Lockgate's locked environment: `python3 scripts/bootstrap.py --into DIR [--extra E] [--group G]`.

Needs only Python's standard library (3.8 or later), no pip and no venv module. uv itself is the one on the PATH if that
is the pinned one, byte for byte; else its wheel is fetched from PyPI, held to its SHA-256 and unpacked, as DIR/bin/uv.
Then `uv sync --locked` makes the environment, with every package held to `uv.lock`. Variables that would bend uv or
Python (UV_*, PYTHON*, VIRTUAL_ENV) are dropped first: they may come from a stranger's checkout. Prints the
environment's interpreter as its last line.
"""

import argparse
import hashlib
import io
import json
import os
import platform
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urljoin

if TYPE_CHECKING:
    from collections.abc import Callable

UV_VERSION = "0.13.9"
LOWEST_PYTHON = (3, 11)
"""As in pyproject.toml."""


class Wheel(NamedTuple):
    """One published build of uv: the tag in its file name, its SHA-256, and that of the program inside."""

    tag: str
    sha256: str
    program_sha256: str

    @property
    def name(self) -> str:
        """The file name on PyPI."""
        return f"uv-{UV_VERSION}-py3-none-{self.tag}.whl"


_LINUX_ARM = Wheel(
    "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
    "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    "bbecb5ac518030bb5e84f1999c577228460192832ac24a92bd772735682979f4",
)
WHEELS = {
    "Linux-x86_64-glibc": Wheel(
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
        "b73acdf73b96c3ac9e56d2fa933427b3ee6a901e3cce6ba1e3ecb3f91ca0d86a",
    ),
    "Linux-x86_64-musl": Wheel(
        "musllinux_1_1_x86_64",
        "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
        "edbfb9a3d00dc84148e6691cd8740781fdc32db6505d7ef88ba6c3e569d5bec9",
    ),
    "Linux-aarch64-glibc": _LINUX_ARM,
    "Linux-aarch64-musl": _LINUX_ARM,
    "Darwin-aarch64": Wheel(
        "macosx_11_0_arm64",
        "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63",
        "0e17c316d23b33b4e840669f516f5cb7f5c1faa816ebd3824052ab50082ecefb",
    ),
    "Darwin-x86_64": Wheel(
        "macosx_10_12_x86_64",
        "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5",
        "9d275208c058354f9b300ea46a499c7a29de3249ae839503cadff2c01c159d69",
    ),
}
INDEX = "https://pypi.org/simple/uv/"
PROJECT = Path(__file__).resolve().parent.parent
SECONDS = 60
ATTEMPTS = 3


def main() -> int:
    """Make the environment and print its interpreter."""
    parser = argparse.ArgumentParser(description="Make Lockgate's locked environment.")
    parser.add_argument("--into", required=True, type=Path, help="folder for uv and the environment")
    parser.add_argument("--venv", type=Path, help="folder of the environment (default: INTO/venv)")
    parser.add_argument("--extra", action="append", default=[])
    parser.add_argument("--group", action="append", default=[])
    parser.add_argument("--compile", action="store_true", help="compile every module now, for many programs to load")
    arguments = parser.parse_args()
    started = time.monotonic()
    try:
        uv = ensure_uv(arguments.into.resolve() / "bin" / "uv", wheel_for_this_machine())
        venv = (arguments.venv or arguments.into / "venv").resolve()
        say(f"making the locked environment in {venv}")
        code = sync(uv, venv, arguments.extra, arguments.group, compiled=arguments.compile)
    except OSError as error:
        raise SystemExit(
            f"lockgate: {error}.\nfix: free some disk space, or name a folder that can be written."
        ) from error
    except KeyboardInterrupt:
        say("interrupted")
        return 130
    if code:
        say("uv could not make the environment; what it said stands above.")
        return code
    say(f"ready in {time.monotonic() - started:.1f} s")
    print(venv / "bin" / "python")
    return 0


def say(text: str) -> None:
    """Tell the person watching; standard output is for the answer."""
    print(f"lockgate: {text}", file=sys.stderr, flush=True)


def sync(uv: Path, venv: Path, extras: "list[str]", groups: "list[str]", *, compiled: bool = False) -> int:
    """Make or update the environment from `uv.lock`; a package that is there already costs nothing."""
    command = [str(uv), "sync", "--locked", "--inexact", "--project", str(PROJECT)]
    command += [] if sys.stderr.isatty() and not os.environ.get("CI") else ["--quiet"]
    command += ["--compile-bytecode"] if compiled else []
    # The Python that was asked for, not another that uv finds first. An older one has only the task of fetching uv.
    command += ["--python", sys.executable] if sys.version_info >= LOWEST_PYTHON and sys.executable else []
    command += [word for extra in extras for word in ("--extra", extra)]
    command += [word for group in groups for word in ("--group", group)]
    return subprocess.run(command, env=clean_env(venv), stdout=sys.stderr, check=False).returncode


def clean_env(venv: Path) -> "dict[str, str]":
    """Build the environment for uv: nothing of the caller's that could bend it."""
    bending = ("UV_", "PYTHON", "VIRTUAL_ENV", "CONDA")
    env = {name: value for name, value in os.environ.items() if not name.startswith(bending)}
    env["UV_PROJECT_ENVIRONMENT"] = str(venv)
    env["UV_NO_CONFIG"] = "1"
    return env


def ensure_uv(uv: Path, wheel: Wheel) -> Path:
    """Put the pinned uv at this path: what is there already, what is on the PATH, or what PyPI has."""
    if read_if_pinned(uv, wheel) is None:
        found = shutil.which("uv")
        program = read_if_pinned(Path(found), wheel) if found else None
        uv.parent.mkdir(parents=True, exist_ok=True)
        write_program(uv, program or download(wheel))
    return uv


def read_if_pinned(path: Path, wheel: Wheel) -> "bytes | None":
    """Read a program, if it is the pinned one: what was hashed is what will be written, nothing can slip between."""
    try:
        program = path.read_bytes()
    except OSError:
        return None
    return program if hashlib.sha256(program).hexdigest() == wheel.program_sha256 else None


def download(wheel: Wheel, read: "Callable[..., bytes] | None" = None) -> bytes:
    """Fetch the wheel, hold it to its hash, and return the program in it. `read` reads a URL whole."""
    say(f"fetching {wheel.name}")
    read = read or fetch
    packed = read(wheel_url(wheel.name, read))
    found = hashlib.sha256(packed).hexdigest()
    if found != wheel.sha256:
        raise SystemExit(
            f"lockgate: {wheel.name} has SHA-256 {found}, expected {wheel.sha256}.\n"
            "why: a proxy or mirror changed it, or somebody did.\nfix: do not go on; ask who runs the network."
        )
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return archive.read(f"uv-{UV_VERSION}.data/scripts/uv")


def write_program(path: Path, program: bytes) -> None:
    """Write beside the place and rename: two jobs on one runner may do this at once."""
    handle, temporary = tempfile.mkstemp(dir=str(path.parent))
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(program)
        Path(temporary).chmod(stat.S_IRWXU)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink()
        raise


def wheel_for_this_machine() -> Wheel:
    """Return the build of uv for this kind of machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    key = f"{platform.system()}-{machine}"
    if platform.system() == "Linux":
        key += "-glibc" if platform.libc_ver()[0] == "glibc" else "-musl"
    if key not in WHEELS:
        raise SystemExit(f"lockgate: there is no pinned uv for {key}; supported: {', '.join(WHEELS)}.")
    return WHEELS[key]


def wheel_url(name: str, read: "Callable[..., bytes]") -> str:
    """Ask the index where the wheel is. The answer need not be trusted: the wheel itself is held to its hash."""
    listing = json.loads(read(INDEX, accept="application/vnd.pypi.simple.v1+json"))
    for file in listing["files"]:
        if file["filename"] == name:
            return urljoin(INDEX, str(file["url"]))
    raise SystemExit(f"lockgate: PyPI does not list {name}.")


def fetch(url: str, accept: str = "*/*") -> bytes:
    """Read a URL whole, trying three times."""
    if not url.startswith("https://"):
        raise SystemExit(f"lockgate: {url} is not https.")
    for attempt in range(ATTEMPTS):
        try:
            request = urllib.request.Request(url, headers={"Accept": accept})  # noqa: S310 - https, checked above
            with urllib.request.urlopen(request, timeout=SECONDS) as answer:  # noqa: S310
                return bytes(answer.read())
        except (urllib.error.URLError, TimeoutError) as error:
            if attempt == ATTEMPTS - 1:
                raise SystemExit(
                    f"lockgate: {url} cannot be read: {error}.\nfix: check the network, or the proxy."
                ) from error
            time.sleep(2**attempt)
    raise AssertionError


if __name__ == "__main__":
    raise SystemExit(main())
