import hashlib
import io
import os
import tarfile
from pathlib import Path

import pytest

from lockgate.adapters.bundle import BundleStore, pack, remove
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError, BuildFailedError

GOLDEN = "sha256:64d55e178051f0c1458f0087b598547ecf8696b4d8858424c382c78fe4dc6189"
"""The digest of `tree`. It may never change: digests written down by earlier versions would not be found again."""


@pytest.fixture
def tree(tmp_path) -> Path:
    """A small service with a program, a link, an empty directory and a name that is no ASCII."""
    root = tmp_path / "tree"
    (root / "app").mkdir(parents=True)
    (root / "empty").mkdir()
    (root / "app" / "main.py").write_text("print('hello')\n")
    (root / "app" / "grüße.txt").write_text("hallo\n")
    (root / "run").write_text("#!/bin/sh\n")
    (root / "run").chmod(0o755)
    (root / "latest").symlink_to("app/main.py")
    return root


@pytest.fixture
def store(tmp_path):
    """A store, removed after the test: its directories are read-only."""
    yield BundleStore(tmp_path / "bundles")
    remove(tmp_path / "bundles")


def packed(tree: Path, tar: Path) -> Artifact:
    with tar.open("wb") as file:
        return Artifact(ArtifactKind.BUNDLE, "shop", pack(tree, file).digest)


def handmade(tar: Path, *members: tarfile.TarInfo | tuple[tarfile.TarInfo, bytes]) -> Artifact:
    """Write a tar that Lockgate would not, and name it by its own digest."""
    with tarfile.open(tar, "w", format=tarfile.PAX_FORMAT) as archive:
        for member in members:
            info, content = member if isinstance(member, tuple) else (member, b"")
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
    return Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + hashlib.sha256(tar.read_bytes()).hexdigest())


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    if kind == tarfile.DIRTYPE:
        info.mode = 0o755
    return info


def test_the_digest_of_a_tree_is_for_ever(tree):
    """Another Python, another machine, another year: the same content has the same digest."""
    assert pack(tree).digest == GOLDEN


def test_only_content_reaches_the_digest(tree):
    """Times, other permissions and byte code do not."""
    os.utime(tree / "run", (1, 1))
    (tree / "app" / "main.py").chmod(0o600)
    (tree / "app" / "__pycache__").mkdir()
    (tree / "app" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (tree / "app" / "old.pyc").write_bytes(b"x")
    assert pack(tree).digest == GOLDEN


@pytest.mark.parametrize("change", ["content", "name", "program", "link", "directory"])
def test_every_change_of_content_reaches_the_digest(tree, change):
    """Nothing that the service could notice is left out."""
    match change:
        case "content":
            (tree / "run").write_text("#!/bin/bash\n")
        case "name":
            (tree / "run").rename(tree / "start")
        case "program":
            (tree / "run").chmod(0o644)
        case "link":
            (tree / "latest").unlink()
            (tree / "latest").symlink_to("app")
        case "directory":
            (tree / "empty").rmdir()
    assert pack(tree).digest != GOLDEN


def test_the_largest_files_are_told(tree):
    """A bundle that is too large can be explained."""
    (tree / "big").write_bytes(b"x" * 1000)
    found = pack(tree)
    assert found.largest[0] == ("big", 1000)
    assert found.files == 4
    assert found.size % tarfile.RECORDSIZE == 0


@pytest.mark.parametrize("target", ["/etc/passwd", "../../outside", "app/../../outside"])
def test_a_link_that_leads_outside_is_not_packed(tree, target):
    """A bundle must be whole by itself, and must not show what lies beside it."""
    (tree / "bad").symlink_to(target)
    with pytest.raises(BuildFailedError, match="leads out of the bundle"):
        pack(tree)


def test_a_pipe_is_not_packed(tree):
    """Only files, directories and links can be shipped."""
    os.mkfifo(tree / "pipe")
    with pytest.raises(BuildFailedError, match="neither a file nor a directory"):
        pack(tree)


def test_what_was_packed_is_unpacked_read_only(tree, tmp_path, store):
    """The directory holds what was built, and the service cannot change it."""
    artifact = packed(tree, tmp_path / "bundle.tar")
    place = store.add(tmp_path / "bundle.tar", artifact)
    assert place == store.path(artifact)
    assert (place / "app" / "main.py").read_text() == "print('hello')\n"
    assert (place / "latest").read_text() == "print('hello')\n"
    modes = {path.relative_to(place).as_posix(): oct(path.lstat().st_mode & 0o777) for path in place.rglob("*")}
    assert {modes["app"], modes["run"], modes["empty"]} == {"0o555"}
    assert {modes["app/main.py"], modes["app/grüße.txt"]} == {"0o444"}


def test_adding_twice_is_adding_once(tree, tmp_path, store):
    """A retry finds what is there, and nothing half unpacked stays behind."""
    artifact = packed(tree, tmp_path / "bundle.tar")
    assert store.add(tmp_path / "bundle.tar", artifact) == store.add(tmp_path / "bundle.tar", artifact)
    assert len(list((tmp_path / "bundles").iterdir())) == 1


def test_another_digest_is_refused_before_anything_is_unpacked(tree, tmp_path, store):
    """What arrived is not what was built: nothing of it is written."""
    packed(tree, tmp_path / "bundle.tar")
    with pytest.raises(ArtifactMismatchError, match="its digest is"):
        store.add(tmp_path / "bundle.tar", Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "0" * 64))
    assert not (tmp_path / "bundles").exists()


def test_what_is_not_there_is_missing(tmp_path, store):
    """A bundle and a tar that are not there are said to be missing, with what to do."""
    artifact = Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "0" * 64)
    with pytest.raises(ArtifactMissingError, match="is not on this machine"):
        store.path(artifact)
    with pytest.raises(ArtifactMissingError, match="cannot be read"):
        store.add(tmp_path / "nothing.tar", artifact)


@pytest.mark.parametrize("change", ["content", "new file", "removed", "link outside"])
def test_a_bundle_that_was_changed_is_not_run(tree, tmp_path, store, change):
    """Whatever is changed in the store is noticed before the next use."""
    artifact = packed(tree, tmp_path / "bundle.tar")
    place = store.add(tmp_path / "bundle.tar", artifact)
    place.chmod(0o755)
    match change:
        case "content":
            (place / "run").chmod(0o755)
            (place / "run").write_text("#!/bin/sh\nevil\n")
        case "new file":
            (place / "sitecustomize.py").write_text("evil\n")
        case "removed":
            (place / "run").unlink()
        case "link outside":
            (place / "bad").symlink_to("/etc/passwd")
    with pytest.raises(ArtifactMismatchError, match="It was not run"):
        store.path(artifact)


def test_byte_code_in_the_store_is_removed(tree, tmp_path, store):
    """A service running as root leaves caches; they are no change, and nobody can hide code in them."""
    artifact = packed(tree, tmp_path / "bundle.tar")
    place = store.add(tmp_path / "bundle.tar", artifact)
    for folder in (place, place / "app"):
        folder.chmod(0o755)
    (place / "app" / "__pycache__").mkdir()
    (place / "app" / "__pycache__" / "main.cpython-311.pyc").write_bytes(b"x")
    (place / "app" / "main.pyc").write_bytes(b"x")
    assert store.path(artifact) == place
    assert sorted(path.name for path in (place / "app").iterdir()) == ["grüße.txt", "main.py"]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([member("/etc/x")], "would write to"),
        ([member("../x")], "would write to"),
        ([member("a/../../x")], "would write to"),
        ([member("x", tarfile.LNKTYPE, "/etc/passwd")], "hard link or a device"),
        ([member("x", tarfile.CHRTYPE)], "hard link or a device"),
        ([member("x", tarfile.FIFOTYPE)], "hard link or a device"),
        ([member("x", tarfile.SYMTYPE, "/etc")], "leads out of the bundle"),
        ([member("x", tarfile.SYMTYPE, "..")], "leads out of the bundle"),
        ([member("a", tarfile.SYMTYPE, "."), member("b", tarfile.SYMTYPE, "a/..")], "leads out of the bundle"),
        ([member("x", tarfile.SYMTYPE, "/var"), (member("x/y"), b"evil")], "No such file"),
        ([(member("x"), b"1"), (member("x"), b"2")], "File exists"),
        ([(member("x"), b"1"), (member("x/y"), b"2")], "Not a directory"),
        ([(member("b"), b""), (member("a"), b"")], "canonical form"),
        ([(member("x.pyc"), b"evil")], "canonical form"),
    ],
)
def test_a_hostile_tar_is_refused_though_its_digest_is_right(tmp_path, store, members, why):
    """Nothing is written outside, nothing is followed, and the store stays empty."""
    artifact = handmade(tmp_path / "bundle.tar", *members)
    with pytest.raises(ArtifactMismatchError, match=why):
        store.add(tmp_path / "bundle.tar", artifact)
    assert list((tmp_path / "bundles").iterdir()) == []


def test_a_tar_that_would_fill_the_disk_is_refused(tmp_path, store):
    """A member's size is believed only as far as it must be, which is far enough to refuse it."""
    info = member("huge")
    info.size = 5_000_000_000
    (tmp_path / "bundle.tar").write_bytes(info.tobuf(tarfile.PAX_FORMAT))
    digest = hashlib.sha256((tmp_path / "bundle.tar").read_bytes()).hexdigest()
    with pytest.raises(ArtifactMismatchError, match="more than any bundle may"):
        store.add(tmp_path / "bundle.tar", Artifact(ArtifactKind.BUNDLE, "shop", f"sha256:{digest}"))


def test_garbage_is_not_a_bundle(tmp_path, store):
    """A file that is no tar, under its right digest, is refused."""
    (tmp_path / "bundle.tar").write_bytes(b"garbage" * 1000)
    digest = hashlib.sha256((tmp_path / "bundle.tar").read_bytes()).hexdigest()
    with pytest.raises(ArtifactMismatchError, match="It was not run"):
        store.add(tmp_path / "bundle.tar", Artifact(ArtifactKind.BUNDLE, "shop", f"sha256:{digest}"))
