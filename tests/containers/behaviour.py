"""What every container engine must do for Lockgate: run against a fake in `make test`, against docker here.

The fixtures `engine` (an Engine) and `base` (the name of an image with python3 in it) come from the module that imports
these tests.
"""

import json
import secrets
import time
import urllib.request
from pathlib import Path

import pytest

from lockgate.adapters.engine_cli import Engine
from lockgate.adapters.local.container import REVISION_LABEL, ContainerLauncher
from lockgate.adapters.local.launch import Start
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.errors import (
    ArtifactMismatchError,
    ArtifactMissingError,
    BuildFailedError,
    BuildOverBudgetError,
    PortTakenError,
    TargetError,
)
from tests.ports import free_port

SERVICE = Path(__file__).with_name("service.py")
CONTAINER_PORT = 8000


def context(folder: Path, base: str, *, how: str = "well", more: str = "") -> Path:
    """Write a context that builds the tiny service; each call gives another image."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "service.py").write_text(SERVICE.read_text() + f"\n# {secrets.token_hex(8)}\n")
    command = json.dumps(["python3", "service.py", how])
    dockerfile = f"FROM {base}\nWORKDIR /app\nCOPY service.py .\nUSER 10001:10001\n{more}CMD {command}"
    (folder / "Dockerfile").write_text(dockerfile)
    return folder


def build(engine: Engine, folder: Path, *, timeout: float = 60.0, lines: list[str] | None = None) -> str:
    said = [] if lines is None else lines
    return engine.build(folder, folder / "Dockerfile", {"a": "b"}, timeout=timeout, on_line=said.append)


def artifact(image_id: str, name: str = "tiny") -> Artifact:
    return Artifact(ArtifactKind.IMAGE, name, image_id)


def start_of(image_id: str, log: Path, **env: str) -> Start:
    release = Release("tiny", "v1", "c" * 40, artifact(image_id))
    revision = f"blue-{secrets.token_hex(4)}"
    return Start(revision, release, free_port(), {"LOCKGATE_VERSION": "v1", **env}, log)


def until(what, seconds: float = 10.0):
    """Ask again and again until the answer is true."""
    deadline = time.monotonic() + seconds
    while not (answer := what()):
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.05)
    return answer


def get(port: int, query: str = "") -> dict:
    def once() -> dict | None:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/{query}", timeout=2) as answer:
                return json.load(answer)
        except OSError:
            return None

    return until(once)


def test_a_build_gives_the_images_id_and_its_output_as_it_comes(engine, base, tmp_path):
    """The ID names the very image, and a person sees what the builder prints."""
    lines: list[str] = []
    image_id = build(engine, context(tmp_path, base, more="RUN echo built-here\n"), lines=lines)
    assert engine.resolve(artifact(image_id)) == image_id
    assert any("built-here" in line for line in lines)


def test_a_failing_build_says_why(engine, base, tmp_path):
    """The builder's own words reach the error."""
    with pytest.raises(BuildFailedError, match="build ended with code"):
        build(engine, context(tmp_path, base, more="RUN echo no-such-thing-here >&2; exit 3\n"))


def test_a_build_is_stopped_when_its_time_is_over(engine, base, tmp_path):
    """A builder that hangs does not hang the pipeline."""
    started = time.monotonic()
    with pytest.raises(BuildOverBudgetError, match="was stopped after"):
        build(engine, context(tmp_path, base, more="RUN sleep 30\n"), timeout=2.0)
    assert time.monotonic() - started < 20


def test_an_image_is_weighed_with_its_largest_layers(engine, base, tmp_path):
    """Size, number of layers and what made them are known, so that a fat image can be explained."""
    weight = engine.measure(build(engine, context(tmp_path, base)))
    assert weight.size >= sum(size for _, size in weight.largest) > 0
    assert weight.layers >= 2
    assert {name for name, _ in weight.largest} >= {"the base image"}


def test_an_archive_gives_the_same_image_back(engine, base, tmp_path):
    """What was saved and loaded has the digest it had."""
    image_id = build(engine, context(tmp_path / "context", base))
    engine.save(image_id, tmp_path / "image.tar", timeout=60)
    engine.load(tmp_path / "image.tar", artifact(image_id))
    assert engine.resolve(artifact(image_id)) == image_id


def test_an_archive_of_another_image_is_refused(engine, base, tmp_path):
    """Loading is no way to bring in something else under the digest that was approved."""
    image_id = build(engine, context(tmp_path / "context", base))
    engine.save(image_id, tmp_path / "image.tar", timeout=60)
    with pytest.raises(ArtifactMismatchError, match="does not hold"):
        engine.load(tmp_path / "image.tar", artifact("sha256:" + "0" * 64))


def test_garbage_instead_of_an_archive_is_refused(engine, tmp_path):
    """What is no archive is said to be none."""
    (tmp_path / "image.tar").write_bytes(b"garbage")
    with pytest.raises(ArtifactMismatchError):
        engine.load(tmp_path / "image.tar", artifact("sha256:" + "0" * 64))
    with pytest.raises(ArtifactMissingError):
        engine.load(tmp_path / "nothing.tar", artifact("sha256:" + "0" * 64))


@pytest.mark.parametrize("name", ["tiny", "someone/tiny"])
def test_an_image_that_is_not_here_is_missing(engine, name):
    """Without a registry nothing is looked for on the internet, where the name is somebody else's."""
    with pytest.raises(ArtifactMissingError, match="built without a registry"):
        engine.resolve(artifact("sha256:" + "0" * 64, name))


def test_an_image_that_its_registry_does_not_have_is_missing(engine):
    """The engine's own words say why it could not be pulled."""
    with pytest.raises(ArtifactMissingError, match="pull said"):
        engine.resolve(artifact("sha256:" + "0" * 64, f"127.0.0.1:{free_port()}/tiny"))


def test_a_revision_starts_serves_and_ends(engine, base, tmp_path):
    """The service answers on its port on this machine, and after the end nothing of it is left."""
    start = start_of(build(engine, context(tmp_path, base)), tmp_path / "log")
    launcher = ContainerLauncher(engine, container_port=CONTAINER_PORT)
    handle = launcher.start(start)
    try:
        assert get(start.port)["version"] == "v1"
        assert launcher.alive(handle)
        assert launcher.listening_ports(handle) in {frozenset(), frozenset({start.port})}
        assert launcher.find(start.revision_id)["container"] == handle["container"]
        until(lambda: "starting well" in start.log.read_text())
    finally:
        launcher.stop(handle, 5.0)
    assert not launcher.alive(handle)
    assert launcher.find(start.revision_id) is None
    launcher.stop(handle, 5.0)


def test_values_reach_the_service_and_no_command_line(engine, base, tmp_path):
    """A secret of several lines arrives whole, and the engine was not given it as an argument."""
    secret = f"-----BEGIN-----\n{secrets.token_hex(8)}=\n-----END-----\n"
    start = start_of(build(engine, context(tmp_path, base)), tmp_path / "log", API_KEY=secret)
    launcher = ContainerLauncher(engine, container_port=CONTAINER_PORT)
    assert secret not in str(launcher._arguments(start, start.env))
    handle = launcher.start(start)
    try:
        assert get(start.port, "?env=API_KEY")["env"] == {"API_KEY": secret}
    finally:
        launcher.stop(handle, 5.0)


def test_a_variable_that_would_steer_the_engine_is_refused(engine, tmp_path):
    """A service's secret cannot send the engine's client to another engine."""
    with pytest.raises(TargetError, match="DOCKER_HOST"):
        ContainerLauncher(engine, container_port=1).start(
            start_of("sha256:" + "0" * 64, tmp_path, DOCKER_HOST="tcp://x")
        )


def test_a_service_that_exits_is_dead_and_told(engine, base, tmp_path):
    """How it ended and what it printed can be read, and it can still be removed."""
    start = start_of(build(engine, context(tmp_path, base, how="exits")), tmp_path / "log")
    launcher = ContainerLauncher(engine, container_port=CONTAINER_PORT)
    handle = launcher.start(start)
    try:
        until(lambda: not launcher.alive(handle))
        assert launcher.ending(handle) == "exit code 3"
        assert "starting exits" in start.log.read_text()
    finally:
        launcher.stop(handle, 1.0)
    assert launcher.find(start.revision_id) is None


def test_a_taken_port_is_said_and_leaves_no_container(engine, base, tmp_path, taken_port):
    """The container that the engine made before it saw that the port is taken is removed."""
    start = start_of(build(engine, context(tmp_path, base)), tmp_path / "log")
    start = Start(start.revision_id, start.release, taken_port, start.env, start.log)
    launcher = ContainerLauncher(engine, container_port=CONTAINER_PORT)
    with pytest.raises(PortTakenError, match=str(taken_port)):
        launcher.start(start)
    listed = engine.ask("ps", "--all", "--quiet", "--filter", f"label={REVISION_LABEL}={start.revision_id}")
    assert listed.tail.strip() == ""
