import os
from pathlib import Path

import pytest

from lockgate.adapters.engine_cli import Engine, detect
from lockgate.adapters.process import run
from lockgate.core.config import BuilderKind
from lockgate.errors import BuilderMissingError
from tests.ports import free_port

HERE = Path(__file__).parent
STAND_IN = "lockgate-tests/base:latest"
CA_BUNDLE = Path("/etc/ssl/certs/ca-certificates.crt")


@pytest.fixture(scope="session")
def engine() -> Engine:
    """The engine of this machine that can build; without one these tests fail, because they were asked for."""
    # Builds reach PyPI here through whatever authorities this machine trusts.
    env = {"SSL_CERT_FILE": str(CA_BUNDLE), **os.environ} if CA_BUNDLE.is_file() else dict(os.environ)
    problems = []
    for kind in (BuilderKind.DOCKER, BuilderKind.PODMAN):
        try:
            return detect(kind, env, to_build=True)
        except BuilderMissingError as error:
            problems.append(error.what)
    pytest.fail("\n".join(["The container tests need an engine that can build.", *problems]), pytrace=False)


@pytest.fixture(scope="session")
def base(engine: Engine, dockerfile_base: str, tmp_path_factory) -> str:
    """An image with python3 in it: the Dockerfile's own base, or where it cannot be pulled a stand-in from Debian."""
    if engine.ask("pull", dockerfile_base, timeout=300).code == 0:
        return dockerfile_base
    if engine.ask("image", "inspect", STAND_IN).code:
        script = [str(HERE / "base_image.sh"), engine.program, STAND_IN]
        made = run(script, cwd=HERE, env=engine.env, timeout=300)
        assert made.code == 0, made.tail
    return STAND_IN


@pytest.fixture(scope="session")
def dockerfile_base() -> str:
    """The base that the Dockerfile names."""
    lines = (HERE.parent.parent / "Dockerfile").read_text().splitlines()
    return next(line.removeprefix("ARG BASE=") for line in lines if line.startswith("ARG BASE="))


@pytest.fixture
def taken_port(engine: Engine, base: str):
    """A port that another container has."""
    port = free_port()
    sleeper = engine.ask("run", "--detach", "--publish", f"127.0.0.1:{port}:1", base, "sleep", "60")
    assert sleeper.code == 0, sleeper.tail
    yield port
    engine.ask("rm", "--force", sleeper.tail.strip())


@pytest.fixture(autouse=True, scope="session")
def nothing_is_left_running(engine: Engine):
    """After all tests the engine has the containers it had before."""

    def containers() -> set[str]:
        return set(engine.ask("ps", "--all", "--quiet").tail.split())

    before = containers()
    yield
    assert containers() <= before
