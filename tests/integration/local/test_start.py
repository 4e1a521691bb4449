"""Services that do not start, each told apart; and nothing of them left behind (the fixture `site` looks)."""

import contextlib
import re
import resource
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError

import pytest

from lockgate.adapters.clock import SystemClock
from lockgate.adapters.local import ports, sockets
from lockgate.adapters.local.traffic import Slot
from lockgate.core.config import BuildConfig, BundleConfig
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.errors import (
    LockgateError,
    PortTakenError,
    ServiceExitedError,
    ServiceNotListeningError,
    ServiceWrongPortError,
    StateError,
    StateNotWritableError,
    TargetError,
)
from tests.integration.local.conftest import Site, get, kill, release, running


@dataclass
class InterruptingClock(SystemClock):
    """A person who presses Ctrl-C at the n-th wait."""

    waits: int

    def sleep(self, seconds: float) -> None:
        self.waits -= 1
        if self.waits < 0:
            raise KeyboardInterrupt
        super().sleep(seconds)


def services(site: Site) -> list[str]:
    return [command for command in running(site).values() if "caddy" not in command]


def test_a_service_gets_its_release_and_its_secrets(site: Site) -> None:
    """What the service sees: its port, what it is, where it is, its secrets; not the runner's mark of death."""
    env = {"PATH": "/usr/bin:/bin", "LOCKGATE_TEST": str(site.state), "RUNNER_TRACKING_ID": "github_1"}
    revision = site.target(secrets={"DB_PASSWORD": "hunter2"}, env=env).deploy_preview(release("1"))
    names = ["PORT", "LOCKGATE_VERSION", "LOCKGATE_DIGEST", "LOCKGATE_ENVIRONMENT", "LOCKGATE_REVISION"]
    asked = "&".join(f"env={name}" for name in [*names, "DB_PASSWORD", "RUNNER_TRACKING_ID"])
    assert get(f"{revision.url}/?{asked}")["env"] == {
        "PORT": revision.url.rpartition(":")[2],
        "LOCKGATE_VERSION": "1",
        "LOCKGATE_DIGEST": revision.digest,
        "LOCKGATE_ENVIRONMENT": "production",
        "LOCKGATE_REVISION": revision.id,
        "DB_PASSWORD": "hunter2",
        "RUNNER_TRACKING_ID": None,
    }


def test_a_service_that_exits_at_once(site: Site) -> None:
    """The exit code and its last words are told, without the secret among them, and quickly."""
    started = time.monotonic()
    with pytest.raises(ServiceExitedError, match="exit code 3") as caught:
        site.target("exits", secrets={"DB_PASSWORD": "hunter2"}).deploy_preview(release("1"))
    assert "cannot reach the database with password ***" in caught.value.why
    assert "hunter2" not in str(caught.value)
    assert time.monotonic() - started < site.start_timeout
    assert site.target().observe().revisions == ()


def test_a_start_command_that_does_not_exist(site: Site) -> None:
    """A missing program is told as such, in the shell's own words."""
    with pytest.raises(ServiceExitedError, match=r"exit code 127, which is the shell's for .* not there") as caught:
        site.target(build=_starting("no-such-program --serve")).deploy_preview(release("1"))
    assert "no-such-program" in caught.value.why


def test_a_service_that_is_killed(site: Site) -> None:
    """A signal is told by name."""
    with pytest.raises(ServiceExitedError, match="ended by SIGKILL"):
        site.target(build=_starting("kill -9 $$")).deploy_preview(release("1"))


def test_a_service_that_never_listens(site: Site) -> None:
    """It is given its time, then ended."""
    with pytest.raises(ServiceNotListeningError, match=r"after 0\.5 s takes no connection") as caught:
        site.but(start_timeout=0.5).target("never_listens").deploy_preview(release("1"))
    assert "warming up" in caught.value.why
    assert services(site) == []


def test_another_revision_on_its_port_is_not_taken_for_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two checkouts may choose one port at the same moment: whoever came first is not who was waited for."""
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _: 5000)
    with socket.create_server(("127.0.0.1", 0)) as first:
        port = first.getsockname()[1]
        monkeypatch.setattr(sockets, "is_free", lambda _: True)
        monkeypatch.setattr(ports, "_FIRST", port - 5000)
        other = subprocess.Popen(["sleep", "60"], env={"LOCKGATE_REVISION": "blue-other"}, pass_fds=[first.fileno()])
        first.close()
        try:
            with pytest.raises(ServiceNotListeningError, match=rf"takes no connection on port {port}"):
                site.but(start_timeout=0.5).target("never_listens").deploy_preview(release("1"))
        finally:
            other.kill()
            other.wait()


def test_a_service_on_the_wrong_port(site: Site) -> None:
    """The port it did take is named."""
    with pytest.raises(ServiceWrongPortError) as caught:
        site.but(start_timeout=0.7).target("wrong_port").deploy_preview(release("1"))
    log = (site.folder / "logs" / "blue.log").read_text()
    assert f"listens on port {log.strip()} instead of" in caught.value.what
    assert services(site) == []


def test_a_service_on_the_wrong_address(site: Site) -> None:
    """The right port of an address that nobody asks is not "does not listen"."""
    with pytest.raises(ServiceNotListeningError, match=r"takes no connection on 127\.0\.0\.1"):
        site.but(start_timeout=0.7).target("elsewhere").deploy_preview(release("1"))


def test_no_start_command(site: Site) -> None:
    """A config without one is told which key is missing."""
    with pytest.raises(TargetError, match=r"build\.bundle\.start"):
        site.target(build=BuildConfig()).deploy_preview(release("1"))


def test_a_bundle_directory_that_is_gone(site: Site) -> None:
    """It is an error of the target, not a traceback."""
    with pytest.raises(TargetError, match="could not be started"):
        site.target(materialise=lambda _: Path("/no/such/directory")).deploy_preview(release("1"))


def test_an_image_without_an_engine(site: Site) -> None:
    """Nothing is started for a kind of artifact that nobody here can run."""
    image = Artifact(ArtifactKind.IMAGE, "shop", "sha256:" + "0" * 64)
    with pytest.raises(TargetError, match="kind image"):
        site.target().deploy_preview(Release("shop", "1", "c", image))
    assert not site.folder.exists()


def test_an_interrupted_proxy_is_not_left_half_started(site: Site) -> None:
    """Ctrl-C at the first wait of all, which is for the proxy, leaves nothing at all."""
    with pytest.raises(KeyboardInterrupt):
        site.but(clock=InterruptingClock(0)).target().deploy_preview(release("1"))
    assert running(site) == {}


@pytest.mark.parametrize("waits", [1, 9, 12])
def test_an_interrupted_start_leaves_nothing_half_done(site: Site, waits: int) -> None:
    """Ctrl-C at any wait ends what was started and gives no traffic to anybody."""
    with pytest.raises(KeyboardInterrupt):
        site.but(clock=InterruptingClock(waits)).target("never_listens").deploy_preview(release("1"))
    assert services(site) == []
    assert site.target().observe().revisions == ()


def test_the_same_release_again_is_the_same_preview(site: Site) -> None:
    """A preview that runs is returned, by another command too; one that died is replaced."""
    first = site.target().deploy_preview(release("1"))
    assert site.target().deploy_preview(release("1")) == first
    kill(site, first.id)
    second = site.target().deploy_preview(release("1"))
    assert second.id != first.id
    assert [revision.id for revision in site.target().observe().revisions] == [second.id]


def test_the_active_release_can_be_deployed_again(site: Site) -> None:
    """The same digest beside itself is a new revision: the running one is not touched."""
    target = site.target()
    active = target.deploy_preview(release("1"))
    target.shift({active.id: 100})
    preview = target.deploy_preview(release("1"))
    assert preview.url != active.url
    assert target.observe().active == target.observe().find(active.id)


def test_an_abandoned_preview_makes_room(site: Site) -> None:
    """What an earlier rollout left without traffic is ended before the next preview starts in its place."""
    target = site.target()
    active = target.deploy_preview(release("1"))
    target.shift({active.id: 100})
    target.deploy_preview(release("2"))
    newest = target.deploy_preview(release("3"))
    assert {revision.id for revision in target.observe().revisions} == {active.id, newest.id}
    assert len(services(site)) == 2
    assert any("left over without traffic" in line for line in site.said)


def test_a_start_that_was_cut_off_is_found_again(site: Site) -> None:
    """A kill between the start and its record leaves a process that the next deployment finds and ends."""
    target = site.target()
    lost = target.deploy_preview(release("1"))
    record = site.folder / "revisions" / f"{lost.id}.json"
    record.write_text(re.sub(r'"handle": \{[^}]*\}', '"handle": {}', record.read_text()))
    assert [revision.alive for revision in target.observe().revisions] == [False]
    found = site.target().deploy_preview(release("1"))
    assert found.id != lost.id
    assert len(services(site)) == 1


def test_no_preview_while_both_slots_have_traffic(site: Site) -> None:
    """In the middle of a rollout there is no place for another one."""
    target = site.target()
    old = target.deploy_preview(release("1"))
    target.shift({old.id: 100})
    new = target.deploy_preview(release("2"))
    target.shift({old.id: 50, new.id: 50})
    with pytest.raises(TargetError, match="both slots have traffic"):
        target.deploy_preview(release("3"))


def test_a_slot_whose_port_was_taken_meanwhile_gets_another(site: Site) -> None:
    """Who has the port is left alone, and the next release is served from elsewhere by the same proxy."""
    target = site.target()
    first = target.deploy_preview(release("1"))
    target.retire(first.id)
    proxy = [pid for pid, command in running(site).items() if "caddy" in command]
    with socket.create_server(("127.0.0.1", int(first.url.rpartition(":")[2]))):
        second = target.deploy_preview(release("2"))
        target.shift({second.id: 100})
        assert get(site.url)["version"] == "2"
    assert second.url != first.url
    assert [pid for pid, command in running(site).items() if "caddy" in command] == proxy


def test_no_port_at_all_is_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine where everything is taken has nothing started on it."""
    monkeypatch.setattr(sockets, "is_free", lambda port: port == site.port)
    with pytest.raises(PortTakenError, match="No port between 20000 and 29999 is free"):
        site.target().deploy_preview(release("1"))
    assert services(site) == []


def test_previews_that_start_at_once_are_given_ports_of_their_own(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """A port that was chosen and is not yet listened on is not chosen for another slot, wherever the search begins."""
    monkeypatch.setattr(ports.secrets, "randbelow", lambda _: 0)
    folders = [site.state / "targets" / "shop" / name for name in ("eu", "us")]
    for folder in folders:
        folder.mkdir(parents=True)
    chosen = [ports.choose(folder, slot, site.state / "targets") for folder in folders for slot in Slot]
    assert len(set(chosen)) == len(chosen)
    assert ports.choose(folders[0], Slot.BLUE, site.state / "targets") == chosen[0]


@pytest.mark.parametrize("damage", ["", "?", "gone"])
def test_a_port_file_that_was_lost_is_written_anew(site: Site, damage: str) -> None:
    """Nothing depends on that file alone: the next command that changes something has the proxy find the service again."""
    target = site.target()
    active = target.deploy_preview(release("1"))
    target.shift({active.id: 100})
    file = site.folder / "blue.port"
    if damage == "gone":
        file.unlink()
    else:
        file.write_text(damage)
    with pytest.raises(HTTPError, match="502"):
        get(site.url)
    site.target().shift({active.id: 100})
    assert get(site.url)["version"] == "1"


def test_a_log_is_kept_for_one_more_start(site: Site) -> None:
    """The output before the last start can still be read, and older output does not pile up."""
    for _ in range(3):
        with pytest.raises(LockgateError):
            site.target("exits").deploy_preview(release("1"))
    assert sorted(path.name for path in (site.folder / "logs").iterdir()) == ["blue.log", "blue.log.1"]


def test_a_state_directory_that_cannot_be_written(site: Site) -> None:
    """It is told before anything is started."""
    (site.state / "targets").write_text("in the way")
    with pytest.raises(StateNotWritableError):
        site.target().deploy_preview(release("1"))
    assert running(site) == {}
    (site.state / "targets").unlink()


def test_a_disk_that_takes_nothing_more(site: Site) -> None:
    """Where nothing can be written, no process is started and the traffic stays where it is."""
    target = site.target()
    active = target.deploy_preview(release("1"))
    target.shift({active.id: 100})
    preview = target.deploy_preview(release("2"))
    before = target.observe()
    with _no_file_may_grow():
        with pytest.raises(StateError):
            target.shift({active.id: 90, preview.id: 10})
        with pytest.raises(StateError):
            target.deploy_preview(release("3"))
    assert target.observe().active == before.active
    assert target.observe().find(active.id) == before.find(active.id)
    assert len(services(site)) == len(target.observe().revisions)
    assert get(site.url)["version"] == "1"


def test_a_damaged_record_is_told(site: Site) -> None:
    """Half a file is not taken for none: what runs would be forgotten."""
    target = site.target()
    target.retire(target.deploy_preview(release("1")).id)
    (site.folder / "revisions" / "blue-x.json").write_text('{"id": ')
    with pytest.raises(StateError, match="is damaged"):
        target.deploy_preview(release("1"))
    (site.folder / "revisions" / "blue-x.json").unlink()


def _starting(command: str) -> BuildConfig:
    return BuildConfig(bundle=BundleConfig(start=command))


@contextlib.contextmanager
def _no_file_may_grow() -> Iterator[None]:
    """Stand in for a full disk, which needs root to be had: every write to a file fails with EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
