"""Give this machine Lockgate's locked environment: `python3 scripts/bootstrap.py --into DIR [--extra E] [--group G]`.

Needs only Python's standard library (3.8 or later), no pip and no venv module: uv's wheel is fetched from PyPI, held to
the SHA-256 below and unpacked. Then `uv sync --locked` makes the environment, with every package held to `uv.lock`.
Variables that would bend uv or Python (UV_*, PYTHON*, VIRTUAL_ENV) are dropped first: they may come from a stranger's
checkout. Prints the environment's interpreter as its last line.
"""

import argparse
import hashlib
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
from urllib.parse import urljoin

UV_VERSION = "0.13.9"
WHEELS = {
    "Linux-x86_64-glibc": (
        "manylinux_2_17_x86_64.manylinux2014_x86_64",
        "d7f459fe4fd247d830351c75686d3996ace3c6f3f728eb0e85a30b7ada0cef19",
    ),
    "Linux-x86_64-musl": (
        "musllinux_1_1_x86_64",
        "2c45530751517d6c3bbc69a19473f6effe47cce047bede01ffd8af7ea7b36b25",
    ),
    "Linux-aarch64-glibc": (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
    "Linux-aarch64-musl": (
        "manylinux_2_17_aarch64.manylinux2014_aarch64.musllinux_1_1_aarch64",
        "5435c5ce14a56431208ca0996416d310f1598e8c2c8ba707688985a16bb82dbe",
    ),
    "Darwin-arm64": ("macosx_11_0_arm64", "66c512266d633bef48384a1f53003f41f2a8e7b36fe6e7fbfd3e0fd52d96fa63"),
    "Darwin-x86_64": ("macosx_10_12_x86_64", "c16ed11e013557536b3e60065f1b912f6407bd6518e041b961e23ef9e6b4fbf5"),
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
    arguments = parser.parse_args()
    into = arguments.into.resolve()
    into.mkdir(parents=True, exist_ok=True)
    uv = ensure_uv(into / f"uv-{UV_VERSION}")
    venv = (arguments.venv or into / "venv").resolve()
    command = [str(uv), "sync", "--locked", "--inexact", "--no-progress", "--project", str(PROJECT)]
    command += [word for extra in arguments.extra for word in ("--extra", extra)]
    command += [word for group in arguments.group for word in ("--group", group)]
    started = time.monotonic()
    print(f"lockgate: making the locked environment in {venv}", file=sys.stderr, flush=True)
    done = subprocess.run(command, env=clean_env(venv), stdout=sys.stderr, check=False)
    if done.returncode:
        print("lockgate: uv could not make the environment; what it said stands above.", file=sys.stderr)
        return done.returncode
    print(f"lockgate: ready in {time.monotonic() - started:.1f} s", file=sys.stderr)
    print(venv / "bin" / "python")
    return 0


def clean_env(venv: Path) -> "dict[str, str]":
    """Build the environment for uv: nothing of the caller's that could bend it."""
    bending = ("UV_", "PYTHON", "VIRTUAL_ENV", "CONDA")
    env = {name: value for name, value in os.environ.items() if not name.startswith(bending)}
    env["UV_PROJECT_ENVIRONMENT"] = str(venv)
    env["UV_NO_CONFIG"] = "1"
    return env


def ensure_uv(folder: Path) -> Path:
    """Return uv at the pinned version, fetching it where it is not there yet."""
    uv = folder / "uv"
    if uv.is_file():
        return uv
    tag, sha256 = wheel_for_this_machine()
    name = f"uv-{UV_VERSION}-py3-none-{tag}.whl"
    print(f"lockgate: fetching {name}", file=sys.stderr, flush=True)
    wheel = fetch(wheel_url(name))
    found = hashlib.sha256(wheel).hexdigest()
    if found != sha256:
        raise SystemExit(
            f"lockgate: {name} has SHA-256 {found}, expected {sha256}.\n"
            "why: a proxy or mirror changed it, or somebody did.\nfix: do not go on; ask who runs the network."
        )
    # Unpacked beside its place and renamed: two jobs on one runner may do this at once.
    with tempfile.TemporaryDirectory(dir=folder.parent) as temporary:
        packed = Path(temporary) / "uv.whl"
        packed.write_bytes(wheel)
        with zipfile.ZipFile(packed) as archive:
            member = f"uv-{UV_VERSION}.data/scripts/uv"
            with archive.open(member) as source, (Path(temporary) / "uv").open("wb") as target:
                shutil.copyfileobj(source, target)
        (Path(temporary) / "uv").chmod(stat.S_IRWXU)
        folder.mkdir(exist_ok=True)
        (Path(temporary) / "uv").replace(uv)
    return uv


def wheel_for_this_machine() -> "tuple[str, str]":
    """Return the wheel's tag and SHA-256 for this kind of machine."""
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine().lower(), platform.machine().lower())
    system = platform.system()
    if system == "Darwin":
        key = f"Darwin-{'arm64' if machine == 'aarch64' else machine}"
    else:
        libc = "glibc" if platform.libc_ver()[0] == "glibc" else "musl"
        key = f"{system}-{machine}-{libc}"
    if key not in WHEELS:
        raise SystemExit(f"lockgate: there is no pinned uv for {key}; supported: {', '.join(WHEELS)}.")
    return WHEELS[key]


def wheel_url(name: str) -> str:
    """Ask the index where the wheel is. The answer need not be trusted: the wheel itself is held to its hash."""
    listing = json.loads(fetch(INDEX, accept="application/vnd.pypi.simple.v1+json"))
    for file in listing["files"]:
        if file["filename"] == name:
            return urljoin(INDEX, file["url"])
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
