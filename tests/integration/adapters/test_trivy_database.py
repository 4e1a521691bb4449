"""The vulnerability database: mirrors in order, backoff, garbage, and a copy that is never lost."""

import io
import json
import shutil
import tarfile
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta

import pytest

from lockgate.adapters.trivy_database import DatabaseCache
from lockgate.errors import DatabaseUnavailableError
from tests.fixtures.oci_registry import MANIFEST, FakeRegistry, descriptor, running
from tests.fixtures.trivy_db import database, registry

NOBODY = "127.0.0.1:1/trivy-db:2"


class Clock:
    """The machine's time, but for sleeping, which is only remembered."""

    def __init__(self) -> None:
        self.slept: list[float] = []
        self.at = 0.0

    def now(self):
        return datetime.now(UTC)

    def monotonic(self):
        return self.at

    def sleep(self, seconds):
        self.slept.append(seconds)
        self.at += seconds


@pytest.fixture(scope="module")
def db(tmp_path_factory):
    return database.write(tmp_path_factory.mktemp("db"), built=datetime.now(UTC))


@pytest.fixture
def clock():
    return Clock()


def cache(folder, clock):
    return DatabaseCache(folder / "trivy", clock, {}, jitter=lambda: 0.5)


def obtain(folder, clock, *repositories, seconds=30.0, offline=False):
    return cache(folder, clock).obtain(repositories, offline=offline, seconds=seconds)


def test_too_many_requests_is_asked_again_with_growing_pauses(tmp_path, db, clock):
    """Two answers of 429, then the database: what users complain of first costs three seconds and no failure."""
    with registry.serving(db, "429", faults=2) as repository:
        found = obtain(tmp_path, clock, repository)
    assert clock.slept == [1.0, 2.0]
    assert found.source.startswith(repository.removesuffix(":2") + "@sha256:")


def test_mirrors_are_asked_in_order(tmp_path, db, clock):
    """One that refuses, one that sends garbage and one that nobody answers for: the next one gives it, at once."""
    with ExitStack() as stack:
        limited = stack.enter_context(registry.serving(db, "429"))
        garbage = stack.enter_context(registry.serving(db, "garbage"))
        good = stack.enter_context(registry.serving(db))
        found = obtain(tmp_path, clock, limited, garbage, NOBODY, good)
        assert found.source.startswith(good.removesuffix(":2"))
    assert clock.slept == []


def test_mirror_that_hangs_leaves_the_next_its_time(tmp_path, db, clock):
    """Each has its share of the time, so that one that never answers does not spend it all."""
    with registry.serving(db, "hang") as stuck, registry.serving(db) as good:
        found = obtain(tmp_path, clock, stuck, good, seconds=1.0)
    assert found.source.startswith(good.removesuffix(":2"))


def test_when_none_gives_it_each_is_named(tmp_path, db, clock):
    """The error says what every mirror said, and the time it took is bounded."""
    with (
        registry.serving(db, "429") as limited,
        registry.serving(db, "garbage") as garbage,
        pytest.raises(DatabaseUnavailableError) as caught,
    ):
        obtain(tmp_path, clock, limited, garbage, NOBODY)
    assert "TOOMANYREQUESTS" in caught.value.why
    assert garbage in caught.value.why
    assert "cannot be reached" in caught.value.why
    assert clock.slept == [1.0, 2.0, 4.0, 0.0]


def test_the_copy_here_survives_what_mirrors_do(tmp_path, db, clock):
    """Garbage, half an answer and a refusal leave the earlier copy as it was, and say that it is not the newest."""
    with registry.serving(db) as repository:
        first = obtain(tmp_path, clock, repository)
    metadata = tmp_path / "trivy" / "db" / "metadata.json"
    said = json.loads(metadata.read_text())
    metadata.write_text(json.dumps({**said, "NextUpdate": "2020-01-01T00:00:00Z"}))
    for fault in ("garbage", "cut", "500"):
        with registry.serving(db, fault) as broken:
            again = obtain(tmp_path, clock, broken)
        assert again.digest == first.digest
        assert "The copy here was used" in again.note
    assert [path.name for path in (tmp_path / "trivy").iterdir()] == ["db"]


def blobs(held):
    return [one for one in held.asked if "/blobs/" in str(one)]


def test_a_fresh_copy_is_not_fetched_again_and_a_pinned_one_is_repeated(tmp_path, db, clock):
    """Before the next one is due its repository is only asked what it published; another repository gives its own."""
    held = registry.holding(db)
    with running(held):
        first = obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
        assert len(blobs(held)) == 1
        assert obtain(tmp_path, clock, f"{held.host}/trivy-db:2") == first
        assert len(blobs(held)) == 1
        asked = len(held.asked)
        # What was recorded with a verdict brings the very same database again.
        pinned = obtain(tmp_path, clock, first.source)
        assert len(held.asked) > asked
        assert (pinned.digest, pinned.source) == (first.digest, first.source)


def test_a_copy_that_is_not_what_was_published_is_replaced(tmp_path, db, tmp_path_factory, clock):
    """Whatever was changed in the cache, and whatever else fits the change: only the repository's word counts."""
    without = frozenset({database.H11, database.WERKZEUG})
    forged = database.write(tmp_path_factory.mktemp("forged"), datetime.now(UTC), without)
    held = registry.holding(db)
    kept = tmp_path / "trivy" / "db"

    def change_the_database():
        shutil.copy(forged / "trivy.db", kept)

    def change_all_of_it():
        shutil.copy(forged / "trivy.db", kept)
        shutil.copy(forged / "metadata.json", kept)
        (kept / "db.tar.gz").write_bytes(registry.packed(forged))

    def change_the_time():
        told = json.loads((kept / "metadata.json").read_text())
        later = (datetime.now(UTC) + timedelta(hours=30)).isoformat()
        (kept / "metadata.json").write_text(json.dumps({**told, "NextUpdate": later}))

    def leave_out_what_was_published():
        shutil.copy(forged / "trivy.db", kept)
        (kept / "db.tar.gz").unlink()

    def name_another_manifest():
        change_all_of_it()
        source = json.loads((kept / "source.json").read_text())
        (kept / "source.json").write_text(json.dumps({**source, "digest": f"sha256:{'0' * 64}"}))

    with running(held):
        first = obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
        for number, change in enumerate((change_the_database, change_all_of_it, change_the_time,
                                         leave_out_what_was_published, name_another_manifest), 2):  # fmt: skip
            change()
            assert obtain(tmp_path, clock, f"{held.host}/trivy-db:2") == first, change
            assert len(blobs(held)) == number
        change_the_database()
        held.blobs.clear()
        # Nor is it used where nothing better can be had.
        with pytest.raises(DatabaseUnavailableError) as caught:
            obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
    assert f"not what {first.source} holds" in caught.value.why


@pytest.mark.parametrize(
    "told",
    [
        {"NextUpdate": "2099-01-01T00:00:00Z"},
        {"UpdatedAt": "2098-12-31T00:00:00Z", "NextUpdate": "2099-01-01T00:00:00Z"},
        {"DownloadedAt": "2098-12-31T00:00:00Z"},
        {"UpdatedAt": "0001-01-01T00:00:00+05:00"},
    ],
)
def test_a_copy_that_says_it_stays_fresh_is_not_believed(tmp_path, db, clock, told):
    """Neither a time to come nor a distance that no publisher sets keeps the next one from being fetched."""
    held = registry.holding(db)
    with running(held):
        first = obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
        metadata = tmp_path / "trivy" / "db" / "metadata.json"
        metadata.write_text(json.dumps({**json.loads(metadata.read_text()), **told}))
        assert obtain(tmp_path, clock, f"{held.host}/trivy-db:2") == first
        assert len(blobs(held)) == 2


def test_a_copy_whose_repository_is_away_is_used_with_a_warning(tmp_path, db, clock):
    """Nobody can say whether it was changed; nobody is held up by that."""
    held = registry.holding(db)
    with running(held):
        first = obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
    again = obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
    assert (again.digest, again.source) == (first.digest, first.source)
    assert "cannot be reached" in again.note
    assert "The copy here was used" in again.note


def test_offline_asks_nobody(tmp_path, db, clock):
    """With a copy it is used, without one that is said."""
    held = registry.holding(db)
    with running(held):
        with pytest.raises(DatabaseUnavailableError):
            obtain(tmp_path, clock, f"{held.host}/trivy-db:2", offline=True)
        assert held.asked == []
    database.write(tmp_path / "trivy" / "db", built=datetime.now(UTC) - timedelta(days=2))
    assert "offline" in obtain(tmp_path, clock, NOBODY, offline=True).note


def packed(**files):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        for name, (kind, content) in files.items():
            member = tarfile.TarInfo(name.replace("__", "/").replace("_json", ".json").replace("_db", ".db"))
            member.type, member.size = kind, len(content)
            member.linkname = "/etc/passwd"
            archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize(
    "layer",
    [
        b"not gzip",
        packed(),
        packed(trivy_db=(tarfile.SYMTYPE, b""), metadata_json=(tarfile.REGTYPE, b"{}")),
        packed(trivy_db=(tarfile.REGTYPE, b"x"), metadata_json=(tarfile.REGTYPE, b"[")),
        packed(trivy_db=(tarfile.REGTYPE, b"x"), metadata_json=(tarfile.REGTYPE, b" " * 70_000)),
        packed(outside__trivy_db=(tarfile.REGTYPE, b"x"), metadata_json=(tarfile.REGTYPE, b"{}")),
    ],
    ids=["not gzip", "empty", "a link", "no metadata", "too large", "elsewhere"],
)
def test_hostile_archives_are_refused_and_leave_nothing(tmp_path, clock, layer):
    """Nothing is written but the two files by name; a link, a bomb or a path is refused."""
    held = FakeRegistry()
    described = descriptor(layer, "application/vnd.aquasec.trivy.db.layer.v1.tar+gzip")
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": descriptor(b"{}", "x"), "layers": [described]}
    held.hold(layer, b"{}")
    held.tag("2", json.dumps(manifest).encode())
    with running(held), pytest.raises(DatabaseUnavailableError, match="could not be had") as caught:
        obtain(tmp_path, clock, f"{held.host}/trivy-db:2")
    assert "no database" in caught.value.why
    assert list((tmp_path / "trivy").iterdir()) == []
