"""Caddy as a process of its own: found again, started again, never beside another."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockgate.adapters.local import detached, sockets
from lockgate.adapters.local.detached import Detached
from lockgate.core.config_target import TargetConfig
from lockgate.errors import PortTakenError, ProxyMissingError, TargetError
from tests.integration.local.conftest import Site, end, get, release, running
from tests.ports import free_port


def pid(site: Site) -> int:
    return int(json.loads((site.folder / "proxy.json").read_text())["pid"])


def serving(site: Site) -> str:
    target = site.target()
    revision = target.deploy_preview(release("1"))
    target.shift({revision.id: 100})
    return revision.id


def test_it_outlives_the_command_that_started_it(site: Site) -> None:
    """Another process deploys and ends; the service goes on, and this one finds everything again."""
    script = (
        "import sys; from pathlib import Path; from tests.integration.local.conftest import Site, release\n"
        "target = Site(state=Path(sys.argv[1]), port=int(sys.argv[2])).target()\n"
        "target.shift({target.deploy_preview(release('1')).id: 100})\n"
    )
    path = os.pathsep.join(entry for entry in sys.path if entry)
    subprocess.run(
        [sys.executable, "-c", script, str(site.state), str(site.port)],
        env={**os.environ, "PYTHONPATH": path},
        check=True,
    )
    assert get(site.url)["version"] == "1"
    active = site.target().observe().active
    assert active is not None
    assert active.alive
    before = pid(site)
    site.target().shift({active.id: 100})
    assert pid(site) == before


def test_one_that_died_is_started_again(site: Site) -> None:
    """The next command that changes something brings the proxy back, with the traffic as it was."""
    active = serving(site)
    end(site, pid(site))
    site.target().shift({active: 100})
    assert get(site.url)["version"] == "1"


@pytest.mark.parametrize("record", ["", "{}", "gone", "of one before it"])
def test_one_whose_record_was_lost_is_replaced(site: Site, record: str) -> None:
    """Two proxies would share the port and the traffic: the lost one is found by its mark and ended."""
    active = serving(site)
    lost = pid(site)
    file = site.folder / "proxy.json"
    told = json.loads(file.read_text())
    file.unlink()
    if record == "of one before it":
        file.write_text(json.dumps({**told, "started": "1"}))
    elif record != "gone":
        file.write_text(record)
    site.target().shift({active: 100})
    assert pid(site) != lost
    assert [command for command in running(site).values() if "caddy" in command] != []
    assert lost not in running(site)
    assert get(site.url)["version"] == "1"


def test_a_new_port_in_the_config(site: Site) -> None:
    """A changed port takes effect at the next change, and the old port is given back."""
    active = serving(site)
    port = free_port()
    moved = site.target(config=TargetConfig(port=port))
    moved.shift({active: 100})
    assert get(f"http://127.0.0.1:{port}/")["version"] == "1"
    assert sockets.is_free(site.port)
    assert "restarting" in site.said[-1]


def test_a_new_port_that_is_taken_changes_nothing(site: Site) -> None:
    """The proxy that serves is not ended for one that could not start."""
    active = serving(site)
    port = free_port()
    with socket.create_server(("127.0.0.1", port)), pytest.raises(PortTakenError, match="Nothing was changed"):
        site.target(config=TargetConfig(port=port)).shift({active: 100})
    assert get(site.url)["version"] == "1"


def test_a_taken_port_is_told_with_who_has_it(site: Site) -> None:
    """Nothing is started, and the program that has the port is named and unharmed."""
    with socket.create_server(("127.0.0.1", site.port)) as listener:
        with pytest.raises(PortTakenError, match=rf"Port {site.port} is taken by \S+ \(process {os.getpid()}\)"):
            site.target().deploy_preview(release("1"))
        assert running(site) == {}
        with socket.create_connection(listener.getsockname()):
            listener.accept()[0].close()


def test_two_environments_on_one_port(site: Site, tmp_path: Path) -> None:
    """Caddy would share a port with another Caddy in silence; the second environment is refused instead."""
    serving(site)
    with pytest.raises(PortTakenError, match="taken by caddy"):
        site.target(state=tmp_path / "other").deploy_preview(release("2"))
    assert get(site.url)["version"] == "1"


def test_no_caddy_on_this_machine(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is looked for beside the interpreter and on the path, and its absence is told with the remedy."""
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with pytest.raises(ProxyMissingError, match="Caddy is not on this machine") as caught:
        site.target(env={"PATH": "/no/such"}).deploy_preview(release("1"))
    assert "`make setup`" in caught.value.fix


def test_a_caddy_that_does_not_start(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it said is passed on, and it is not left half started."""
    broken = tmp_path / "caddy"
    broken.write_text("#!/bin/sh\necho 'this binary is for another machine'\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    env = {"PATH": f"{tmp_path}:{os.environ['PATH']}", "LOCKGATE_TEST": str(site.state)}
    with pytest.raises(TargetError, match="did not start") as caught:
        site.target(env=env).deploy_preview(release("1"))
    assert "for another machine" in caught.value.why
    assert not (site.folder / "proxy.json").exists()


def test_a_process_is_known_by_its_start_time(tmp_path: Path) -> None:
    """The id alone is not enough, an ended one is not alive even before it is collected, and `ps` tells it too."""
    process = detached.spawn(["sleep", "60"], cwd=tmp_path, env=dict(os.environ), log=tmp_path / "log")
    assert detached.alive(process)
    assert not detached.alive(Detached(process.pid, "another time"))
    state, started = detached._ask_ps(process.pid)
    assert state in "SR"
    assert time.strptime(started, "%a %b %d %H:%M:%S %Y")
    detached.stop(process, 5)
    assert not detached.alive(process)
    assert detached.exit_code(process) == -signal.SIGTERM
    assert detached._ask_ps(process.pid) == ("", "")
    detached.stop(process, 5)
