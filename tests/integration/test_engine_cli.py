import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.engine_cli import Engine, detect
from lockgate.adapters.local.container import ContainerLauncher
from lockgate.adapters.local.fleet import Fleet
from lockgate.adapters.local.revisions import Records
from lockgate.adapters.local.traffic import Slot
from lockgate.core.config import BuilderKind
from lockgate.core.release import ArtifactKind
from lockgate.errors import ArtifactMismatchError, BuilderMissingError, BuildFailedError, TargetError
from tests.containers import behaviour
from tests.containers.behaviour import *  # noqa: F403 - every engine's tests, here against the fake
from tests.ports import free_port

FAKE = Path(__file__).parent.parent / "containers" / "fake_engine.py"


@pytest.fixture
def state(tmp_path_factory) -> Path:
    """The fake engine's files, where faults are injected."""
    return tmp_path_factory.mktemp("engine")


@pytest.fixture
def path(state) -> str:
    """A PATH whose docker and podman are the fake."""
    for name in ("docker", "podman"):
        program = state / "bin" / name
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "{FAKE}" "$@"\n')
        program.chmod(0o755)
    return f"{state / 'bin'}{os.pathsep}{os.environ['PATH']}"


@pytest.fixture
def engine(state, path) -> Engine:
    """Docker, faked."""
    return detect(BuilderKind.DOCKER, {"PATH": path, "FAKE_ENGINE_STATE": str(state)}, to_build=True)


@pytest.fixture
def base() -> str:
    """The fake does not look at it."""
    return "scratch"


@pytest.fixture
def taken_port(state) -> int:
    """The fake is told that the port is taken."""
    (state / "port-taken").touch()
    return 1


def test_podman_is_asked_for_dockers_format(state, path, tmp_path):
    """Its own format has no place for a HEALTHCHECK."""
    podman = detect(BuilderKind.PODMAN, {"PATH": path, "FAKE_ENGINE_STATE": str(state)}, to_build=True)
    behaviour.build(podman, behaviour.context(tmp_path, "scratch"))
    assert " --format docker " in (state / "calls.log").read_text()


def test_an_image_is_named_as_its_engine_knows_it(state, path, tmp_path):
    """With the containerd image store that is the manifest's digest, and `--iidfile` names another."""
    (state / "containerd").touch()
    engine = detect(BuilderKind.DOCKER, {"PATH": path, "FAKE_ENGINE_STATE": str(state)}, to_build=True)
    image = behaviour.build(engine, behaviour.context(tmp_path, "scratch"))
    assert engine.ask("image", "inspect", "--format", "{{.Id}}", image).code == 0
    (state / "silent-list").touch()
    with pytest.raises(BuildFailedError, match="as the image's ID"):
        behaviour.build(engine, behaviour.context(tmp_path, "scratch"))


def test_no_program_at_all_is_a_missing_builder(tmp_path):
    """A machine without docker is told that it has none."""
    with pytest.raises(BuilderMissingError, match="there is no docker on the PATH"):
        detect(BuilderKind.DOCKER, {"PATH": str(tmp_path)}, to_build=True)


def test_a_client_without_an_engine_does_not_count(state, path):
    """A client that reaches no engine is passed over, with its own words."""
    (state / "fault-ps").write_text("1 Cannot connect to the Docker daemon")
    with pytest.raises(BuilderMissingError, match="no engine behind it: Cannot connect to the Docker daemon"):
        detect(BuilderKind.DOCKER, {"PATH": path, "FAKE_ENGINE_STATE": str(state)}, to_build=True)


def test_a_client_without_buildkit_runs_and_does_not_build(state, path):
    """What lacks buildx may start containers, and is refused for a build with the reason."""
    (state / "without-buildkit").touch()
    env = {"PATH": path, "FAKE_ENGINE_STATE": str(state)}
    assert detect(BuilderKind.DOCKER, env, to_build=False).kind is BuilderKind.DOCKER
    with pytest.raises(BuilderMissingError, match="cannot build with BuildKit"):
        detect(BuilderKind.DOCKER, env, to_build=True)


def test_the_second_client_on_the_path_is_taken_where_the_first_does_not_work(state, path, tmp_path):
    """Two dockers on one machine are no trap: the one that can build builds."""
    broken = tmp_path / "docker"
    broken.write_text("#!/nowhere/interpreter\n")
    broken.chmod(0o755)
    env = {"PATH": f"{tmp_path}{os.pathsep}{path}", "FAKE_ENGINE_STATE": str(state)}
    assert detect(BuilderKind.DOCKER, env, to_build=True).program == str(state / "bin" / "docker")


@pytest.mark.parametrize("said", [True, False])
def test_a_pushed_image_is_named_by_the_registrys_digest(engine, base, state, tmp_path, said):
    """The digest is the manifest's, not the image's ID, whether the client prints it or only keeps it."""
    if not said:
        (state / "silent-push").touch()
    image_id = behaviour.build(engine, behaviour.context(tmp_path, base))
    digest = engine.push(image_id, "registry.example/tiny", "abc", timeout=10, on_line=print)
    assert digest != image_id
    pushed = behaviour.artifact(digest, "registry.example/tiny")
    assert engine.resolve(pushed) == f"registry.example/tiny@{digest}"


def test_a_refused_push_says_why(engine, base, state, tmp_path):
    """A registry that says no is heard."""
    (state / "fault-push").write_text("1 denied: not signed in")
    image_id = behaviour.build(engine, behaviour.context(tmp_path, base))
    with pytest.raises(BuildFailedError, match="push ended with code 1") as caught:
        engine.push(image_id, "registry.example/tiny", "abc", timeout=10, on_line=print)
    assert "denied: not signed in" in caught.value.why


def test_a_push_that_tells_no_digest_is_a_failure(engine, base, state, tmp_path):
    """Without a digest there is nothing immutable to deploy."""
    (state / "silent-push").touch()
    image_id = behaviour.build(engine, behaviour.context(tmp_path, base))
    (state / "tags.json").write_text("{}")
    program = state / "bin" / "mute"
    program.write_text(f'#!/bin/sh\n[ "$1" = push ] && exit 0\nexec "{sys.executable}" -I -S "{FAKE}" "$@"\n')
    program.chmod(0o755)
    with pytest.raises(BuildFailedError, match="does not say under which digest"):
        Engine(engine.kind, str(program), engine.env).push(image_id, "r.example/t", "a", timeout=9, on_line=print)


def test_an_archive_that_changed_on_the_way_is_refused(engine, base, state, tmp_path):
    """An engine that loads another image than the one that was built is not believed."""
    image_id = behaviour.build(engine, behaviour.context(tmp_path / "context", base))
    engine.save(image_id, tmp_path / "image.tar", timeout=9)
    (state / "images" / image_id.removeprefix("sha256:")).unlink()
    (state / "other-id").touch()
    with pytest.raises(ArtifactMismatchError):
        engine.load(tmp_path / "image.tar", behaviour.artifact(image_id))


def test_a_private_authority_is_given_to_the_build_as_a_secret(engine, base, state, tmp_path):
    """Where SSL_CERT_FILE names a CA bundle, the build may mount it; it is no argument and no layer."""
    bundle = tmp_path / "ca.pem"
    bundle.write_text("certificates")
    with_bundle = Engine(engine.kind, engine.program, {**engine.env, "SSL_CERT_FILE": str(bundle)})
    behaviour.build(with_bundle, behaviour.context(tmp_path / "context", base))
    assert f"id=ca_bundle,src={bundle}" in (state / "calls.log").read_text()


def test_an_engine_that_cannot_start_a_container_says_why(engine, base, state, tmp_path):
    """Its own words, no traceback."""
    start = behaviour.start_of(behaviour.build(engine, behaviour.context(tmp_path, base)), tmp_path / "log")
    (state / "fault-run").write_text("125 no space left on device")
    with pytest.raises(TargetError, match="could not be started") as caught:
        ContainerLauncher(engine, container_port=1).start(start)
    assert "no space left on device" in caught.value.why


def test_running_out_of_memory_is_told_as_that(engine, base, state, tmp_path):
    """The commonest silent death of a container has its name."""
    start = behaviour.start_of(
        behaviour.build(engine, behaviour.context(tmp_path, base, how="exits")), tmp_path / "log"
    )
    launcher = ContainerLauncher(engine, container_port=1, memory="64m")
    handle = launcher.start(start)
    behaviour.until(lambda: not launcher.alive(handle))
    (state / "oom").touch()
    assert launcher.ending(handle) == "killed for using more than 64m of memory"
    launcher.stop(handle, 1.0)
    assert launcher.ending(handle) == ""


def test_a_container_that_cannot_be_removed_is_an_error(engine, base, state, tmp_path):
    """A revision that may still run is not reported as stopped."""
    start = behaviour.start_of(
        behaviour.build(engine, behaviour.context(tmp_path, base, how="exits")), tmp_path / "log"
    )
    launcher = ContainerLauncher(engine, container_port=1)
    handle = launcher.start(start)
    behaviour.until(lambda: not launcher.alive(handle))
    (state / "fault-rm").write_text("1 driver failed")
    with pytest.raises(TargetError, match="could not be removed"):
        launcher.stop(handle, 0.0)
    (state / "fault-rm").unlink()
    launcher.stop(handle, 0.0)


AWAY = "1 Cannot connect to the Docker daemon"


def fail(state, *commands):
    """Have these commands of the client fail as they do without an engine; no other does."""
    for file in state.glob("fault-*"):
        file.unlink()
    for command in commands:
        (state / f"fault-{command}").write_text(AWAY)


def test_an_engine_that_does_not_answer_is_not_a_container_that_is_gone(engine, base, state, tmp_path):
    """Neither dead nor stopped: that it cannot be known is said, in the client's words. Later it is known again."""
    start = behaviour.start_of(behaviour.build(engine, behaviour.context(tmp_path, base)), tmp_path / "log")
    launcher = ContainerLauncher(engine, container_port=behaviour.CONTAINER_PORT)
    handle = launcher.start(start)
    asked = (lambda: launcher.alive(handle), lambda: launcher.find(start.revision_id), lambda: launcher.stop(handle, 0))
    fail(state, "container", "ps", "stop", "rm")
    for ask in asked:
        with pytest.raises(TargetError, match="does not say what runs") as silent:
            ask()
        assert "Cannot connect to the Docker daemon" in silent.value.why
    assert (launcher.ending(handle), launcher.listening_ports(handle)) == ("", frozenset())
    fail(state, "container")
    with pytest.raises(TargetError, match="does not say what runs"):
        launcher.alive(handle)
    fail(state)
    assert launcher.alive(handle)
    launcher.stop(handle, 5.0)
    assert not launcher.alive(handle)


def test_a_container_that_could_not_be_ended_stays_known(engine, base, state, tmp_path):
    """Its record is kept while the engine is away; when it is back, the container is ended, and forgotten."""
    launcher = ContainerLauncher(engine, container_port=behaviour.CONTAINER_PORT)
    image = behaviour.build(engine, behaviour.context(tmp_path / "context", base))
    fleet = Fleet(
        directory=tmp_path,
        records=Records(tmp_path / "revisions"),
        launchers={ArtifactKind.IMAGE: launcher},
        environment="production",
        secrets={},
        start_timeout=10.0,
        clock=SystemClock(),
        say=print,
    )
    (tmp_path / "revisions").mkdir()
    release = behaviour.start_of(image, tmp_path / "log").release
    started = fleet.start(release, Slot.BLUE, free_port())
    fail(state, "container", "ps", "stop", "rm")
    for end in (lambda: fleet.end(started), lambda: fleet.retire(started, 0.0), lambda: fleet.alive(started)):
        with pytest.raises(TargetError, match="does not say what runs"):
            end()
    with pytest.raises(TargetError, match="does not say what runs"):
        fleet.end(replace(started, handle={}))
    assert fleet.records.find(started.id) == started
    fail(state)
    fleet.end(started)
    assert fleet.records.find(started.id) is None
    assert launcher.find(started.id) is None
