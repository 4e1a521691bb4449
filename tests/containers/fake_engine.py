"""A stand-in for docker's command line where there is no engine: keeps images and containers as files, runs processes.

Only what Lockgate calls is here, and tests/containers holds the real docker to the same tests. Faults are files in the
state directory: `fault-push` with `3 denied` inside makes `push` print "denied" and end with code 3, `fault-push-TAG`
that of one tag. `without-buildkit` makes `build --help` lack `--secret`; `containerd` makes images known by their manifest,
which `--iidfile` does not name; `other-id` makes a loaded image another one.
"""

import argparse
import contextlib
import hashlib
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

STATE = Path(os.environ["FAKE_ENGINE_STATE"])
IMAGES, CONTAINERS, TAGS = STATE / "images", STATE / "containers", STATE / "tags.json"


def main(command: str, *rest: str) -> int:
    """Run one command of the client."""
    for folder in (IMAGES, CONTAINERS):
        folder.mkdir(parents=True, exist_ok=True)
    with (STATE / "calls.log").open("a") as log:
        print(shlex.join([command, *rest]), file=log)
    for fault in (STATE / f"fault-{command}", STATE / f"fault-{command}-{''.join(rest[-1:]).rpartition(':')[2][:20]}"):
        if "/" not in fault.name and fault.exists():
            code, _, text = fault.read_text().partition(" ")
            print(text, file=sys.stderr)
            return int(code)
    return int(COMMANDS[command](list(rest)) or 0)


def build(rest: list[str]) -> None:
    """Make an image of a context whose Dockerfile ends with CMD [...]."""
    if "--help" in rest:
        print("  --iidfile string" if (STATE / "without-buildkit").exists() else "  --secret stringArray")
        print("  --metadata-file string" if (STATE / "containerd").exists() else "")
        return
    options = argparse.ArgumentParser()
    for name in ("file", "iidfile", "progress", "format", "platform", "tag", "metadata-file"):
        options.add_argument(f"--{name}")
    for name in ("push", "layers"):
        options.add_argument(f"--{name}", action="store_true")
    for name in ("label", "secret", "cache-from", "cache-to", "build-arg"):
        options.add_argument(f"--{name}", action="append", default=[])
    options.add_argument("context")
    given = options.parse_args(rest)
    context = Path(given.context)
    instructions = Path(given.file).read_text().splitlines()
    runs = [line.removeprefix("RUN ") for line in instructions if line.startswith("RUN ")]
    for run in runs:
        print(f"RUN {run}", flush=True)
        subprocess.run(["/bin/sh", "-c", run], cwd=context, check=True)
    cmd = json.loads(instructions[-1].removeprefix("CMD "))
    files = {file.name: file.read_text() for file in sorted(context.iterdir()) if file.is_file()}
    config = json.dumps({"cmd": cmd, "files": files, "labels": sorted(given.label)}, sort_keys=True)
    digest = f"sha256:{hashlib.sha256(f'list of {given.platform} {config}'.encode()).hexdigest()}"
    if given.iidfile:
        digest = store(config)
        Path(given.iidfile).write_text(f"sha256:{'c' * 64}" if (STATE / "containerd").exists() else digest)
    if given.metadata_file and not (STATE / "silent-list").exists():
        Path(given.metadata_file).write_text(json.dumps({"containerimage.digest": digest}))


def buildx(rest: list[str]) -> None:
    """`buildx build`: what makes lists of images."""
    build(rest[1:])


def info(rest: list[str]) -> None:
    """Where docker keeps its images."""
    store = "io.containerd.snapshotter.v1" if (STATE / "containerd").exists() else "overlay2"
    print(json.dumps([["driver-type", store]]))


def store(config: str) -> str:
    """Keep an image under the digest of its configuration."""
    digest = hashlib.sha256(config.encode()).hexdigest()
    (IMAGES / digest).write_text(config)
    return f"sha256:{digest}"


def image_of(reference: str) -> Path | None:
    """Find an image by ID, tag or registry digest."""
    known = json.loads(TAGS.read_text()) if TAGS.exists() else {}
    path = IMAGES / known.get(reference, reference).removeprefix("sha256:")
    return path if path.is_file() else None


def point(reference: str, image_id: str) -> None:
    """Let a reference mean an image."""
    known = json.loads(TAGS.read_text()) if TAGS.exists() else {}
    TAGS.write_text(json.dumps({**known, reference: image_id}))


def tag(rest: list[str]) -> int:
    """Name an image."""
    if image_of(rest[0]) is None:
        return 1
    point(rest[1], rest[0])
    return 0


def push(rest: list[str]) -> None:
    """Give an image the digest a registry would: another than its ID."""
    image = image_of(rest[0])
    digest = "sha256:" + hashlib.sha256(b"manifest of " + image.name.encode()).hexdigest()
    point(f"{rest[0].rpartition(':')[0]}@{digest}", f"sha256:{image.name}")
    if not (STATE / "silent-push").exists():
        print(f"latest: digest: {digest} size: 1")


def pull(rest: list[str]) -> int:
    """Nothing can be pulled that is not here."""
    print(f"manifest for {rest[0]} not found", file=sys.stderr)
    return 1


def image(rest: list[str]) -> int:
    """`image inspect --format X REFERENCE`."""
    found = image_of(rest[-1])
    if found is None:
        print("No such image", file=sys.stderr)
        return 1
    known = json.loads(TAGS.read_text()) if TAGS.exists() else {}
    digests = [name for name, image_id in known.items() if "@" in name and image_id == f"sha256:{found.name}"]
    print({"{{.Size}}": found.stat().st_size, "{{json .RepoDigests}}": json.dumps(digests)}.get(rest[2], found.name))
    return 0


def history(rest: list[str]) -> None:
    """Three layers: one empty, and last an imported base, which nobody knows how it was made."""
    size = image_of(rest[-1]).stat().st_size
    print(f'0\tCMD ["x"]\n{size - 1}\tCOPY . /\n1\t')


def save(rest: list[str]) -> None:
    """Write an image into a file."""
    shutil.copyfile(image_of(rest[-1]), rest[1])


def load(rest: list[str]) -> None:
    """Take an image from a file."""
    text = Path(rest[1]).read_text()
    print("Loaded image ID:", store(text + " " * (STATE / "other-id").exists()))


def run(rest: list[str]) -> int:
    """Start the image's command as a process that listens on the published port."""
    options = argparse.ArgumentParser(allow_abbrev=False)
    for name in ("label", "publish", "memory", "pids-limit", "cap-drop", "security-opt", "tmpfs"):
        options.add_argument(f"--{name}", required=True)
    for name in ("detach", "read-only", "init"):
        options.add_argument(f"--{name}", action="store_true", required=True)
    options.add_argument("--env", action="append")
    options.add_argument("image")
    given = options.parse_args(rest)
    config = json.loads(image_of(given.image).read_text())
    container = hashlib.sha256(given.label.encode()).hexdigest()
    home = CONTAINERS / container
    home.mkdir()
    (home / "label").write_text(given.label)
    if (STATE / "port-taken").exists():
        print("Bind failed: port is already allocated", file=sys.stderr)
        return 125
    for name, text in config["files"].items():
        (home / name).write_text(text)
    env = {name: os.environ[name] for name in [*given.env, "PATH"]} | {"PORT": given.publish.split(":")[1]}
    with (home / "log").open("wb") as log:
        child = subprocess.Popen(
            [sys.executable, "-c", _KEEPER, str(home), *config["cmd"]],
            cwd=home, env=env, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    (home / "pid").write_text(str(child.pid))
    print(container)
    return 0


_KEEPER = (
    "import pathlib, signal, subprocess, sys\n"
    "child = subprocess.Popen(sys.argv[2:])\n"
    "signal.signal(signal.SIGTERM, lambda *_: child.terminate())\n"
    "pathlib.Path(sys.argv[1], 'code').write_text(str(child.wait()))\n"
)
"""Waits for the service and writes down how it ended, as an engine does."""


def container(rest: list[str]) -> int:
    """`container inspect --format X ID`."""
    home = CONTAINERS / rest[-1]
    if not home.is_dir():
        print(f"Error response from daemon: No such container: {rest[-1]}", file=sys.stderr)
        return 1
    code = (home / "code").read_text() if (home / "code").exists() else ""
    values = {
        "{{.State.Running}}": str(not code).lower(),
        "{{.State.Pid}}": (home / "pid").read_text(),
        "{{.State.OOMKilled}} {{.State.ExitCode}}": f"{str((STATE / 'oom').exists()).lower()} {code or 0}",
        "{{.Id}}": home.name,
    }
    print(values[rest[2]])
    return 0


def ps(rest: list[str]) -> None:
    """List containers, all or those with a label or an ID."""
    kind, _, wanted = rest[-1].partition("=") if "--filter" in rest else ("", "", "")
    for home in CONTAINERS.iterdir():
        if wanted in {"", home.name if kind == "id" else (home / "label").read_text()}:
            print(home.name)


def logs(rest: list[str]) -> None:
    """Give what a container prints, until it ends or is removed."""
    home = CONTAINERS / rest[-1]
    with (home / "log").open() as log:
        while home.exists() and not (home / "code").exists():
            print(log.read(), end="", flush=True)
            time.sleep(0.02)
        print(log.read(), end="")


def stop(rest: list[str]) -> int:
    """End a container's process."""
    home = CONTAINERS / rest[-1]
    if not home.is_dir():
        return 1
    pid = int((home / "pid").read_text())
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 5
    while not (home / "code").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return 0


def rm(rest: list[str]) -> int:
    """Remove a container."""
    home = CONTAINERS / rest[-1]
    if not home.is_dir():
        return 1
    shutil.rmtree(home)
    return 0


COMMANDS = {name: globals()[name] for name in (
    "build", "buildx", "info", "tag", "push", "pull", "image", "history", "save", "load", "run", "container", "ps", "logs", "stop", "rm",
)}  # fmt: skip

if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
