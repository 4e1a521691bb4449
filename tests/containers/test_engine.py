"""The behaviour of `tests.containers.behaviour`, held against the container engine of this machine."""

import pytest

from lockgate.adapters.local.container import ContainerLauncher
from tests.containers import behaviour
from tests.containers.behaviour import *  # noqa: F403 - all of its tests

pytestmark = [pytest.mark.containers, pytest.mark.timeout(300)]


def test_a_container_may_not_write_and_is_nobody(engine, base, tmp_path):
    """The service has /tmp and nothing else to write to, and not even root's capabilities would help it."""
    start = behaviour.start_of(behaviour.build(engine, behaviour.context(tmp_path, base)), tmp_path / "log")
    launcher = ContainerLauncher(engine, container_port=behaviour.CONTAINER_PORT)
    handle = launcher.start(start)
    try:
        answer = behaviour.get(start.port)
        assert answer["uid"] == 10001
        assert answer["writable"] == ["/tmp"]  # noqa: S108 - the container's own
        status = engine.ask("exec", handle["container"], "cat", "/proc/1/status").tail
        assert "CapEff:\t0000000000000000" in status
        assert "NoNewPrivs:\t1" in status
    finally:
        launcher.stop(handle, 5.0)


def test_a_service_on_another_port_is_found_out(engine, base, tmp_path):
    """The engine listens on the published port whatever the service does, so the container's own sockets are read."""
    image = behaviour.build(engine, behaviour.context(tmp_path, base, how="elsewhere"))
    start = behaviour.start_of(image, tmp_path / "log")
    launcher = ContainerLauncher(engine, container_port=behaviour.CONTAINER_PORT)
    handle = launcher.start(start)
    try:
        ports = behaviour.until(lambda: launcher.listening_ports(handle))
        assert ports == {behaviour.CONTAINER_PORT + 1}
    finally:
        launcher.stop(handle, 5.0)
