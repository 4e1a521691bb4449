import json

import pytest

from lockgate.adapters import handover
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.errors import ArtifactMismatchError, ArtifactMissingError, StateError

RELEASE = Release("shop", "v1", "c" * 40, Artifact(ArtifactKind.BUNDLE, "shop", "sha256:" + "0" * 64))
GOOD = {"artifact": str(RELEASE.artifact), "version": "v1", "commit": "c" * 40}


def test_what_is_written_is_read(tmp_path):
    """The job that deploys learns of the very release that was built."""
    directory = handover.open_directory(tmp_path / "a" / "b")
    handover.write(directory, RELEASE, 123)
    assert handover.read(directory, "shop") == RELEASE
    assert json.loads((directory / "artifact.json").read_text()) == {**GOOD, "size": 123, "run": ""}


def test_an_empty_directory_holds_nothing(tmp_path):
    """A hand-over that did not happen is said to be missing."""
    with pytest.raises(ArtifactMissingError):
        handover.read(tmp_path, "shop")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not JSON",
        "[]",
        "null",
        "[" * 60_000,
        json.dumps({"artifact": "bundle:shop:latest", "version": "v1", "commit": "c"}),
        json.dumps({**GOOD, "version": 1}),
        json.dumps({**GOOD, "commit": None}),
        json.dumps({**GOOD, "commit": "../../../../user/repos"}),
        json.dumps({**GOOD, "commit": "c" * 39}),
        json.dumps({**GOOD, "commit": "C" * 40}),
        json.dumps({**GOOD, "commit": "c" * 40 + "\n"}),
        json.dumps({name: GOOD[name] for name in ("version", "commit")}),
        json.dumps({**GOOD, "more": "x" * 70_000}),
    ],
)
def test_a_note_that_is_none_is_refused(tmp_path, text):
    """Text from another job is not believed, and ends in no traceback."""
    (tmp_path / "artifact.json").write_text(text)
    with pytest.raises(ArtifactMismatchError, match="is not what `lockgate build` writes"):
        handover.read(tmp_path, "shop")


def test_what_a_run_hands_over_is_of_its_commit(tmp_path):
    """Another commit would be told to GitHub and shown to whoever approves; what another run built has its own."""
    handover.write(tmp_path, RELEASE, 123, run="7")
    assert handover.read(tmp_path, "shop", run="7", commit="c" * 40) == RELEASE
    assert handover.read(tmp_path, "shop", run="8", commit="d" * 40) == RELEASE
    for run in ("7", ""):
        handover.write(tmp_path, RELEASE, 123, run=run)
        with pytest.raises(ArtifactMismatchError, match="names the commit cccccccccccc, and this run is for dddddd"):
            handover.read(tmp_path, "shop", run="7", commit="d" * 40)


def test_without_git_there_is_no_commit(tmp_path):
    """A folder that is no repository can be built and deployed."""
    without = Release("shop", "v1", "", RELEASE.artifact)
    handover.write(tmp_path, without, 123)
    assert handover.read(tmp_path, "shop") == without


def test_a_place_that_cannot_be_a_directory_is_said(tmp_path):
    """`--output` on a file is an error with a name."""
    (tmp_path / "file").touch()
    with pytest.raises(StateError):
        handover.open_directory(tmp_path / "file" / "below")
