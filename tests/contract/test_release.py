"""A release: one tag for one version, and nothing recommended that is not released."""

import hashlib
import os
import re
import subprocess
from pathlib import Path

import pytest

import check_release
from lockgate import __version__

ROOT = Path(__file__).parents[2]
CHANGELOG = "# Changelog\n\n## [Unreleased]\n\n## [1.0.0] - 2027-01-31\n\n- x\n"
README = "uses: OWNER/lockgate/.github/workflows/pipeline.yml@v1\n"


@pytest.mark.parametrize(
    ("version", "tag"),
    [("1.0.0", "v1"), ("1.1.0", "v1.1"), ("1.1.2", "v1.1.2"), ("0.1.0", "v0.1"), ("10.0.10", "v10.0.10")],
)
def test_a_version_has_one_tag(version, tag):
    """Its numbers without the zeros at the end: no two tags name one release, and none has to move."""
    assert check_release.tag_of(version) == tag


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, None),
        ({"tag": "v1.0.0"}, "the tag of version 1.0.0 of pyproject.toml is v1"),
        ({"tag": "v2"}, "the tag of version 1.0.0 of pyproject.toml is v1"),
        ({"tag": "latest"}, "the tag of version"),
        ({"changelog": "## [Unreleased]\n"}, "CHANGELOG.md has no section `## [1.0.0]"),
        ({"readme": "OWNER/lockgate@v2"}, "README.md says @v2, which is not released"),
        ({"readme": "OWNER/lockgate/.github/workflows/pipeline.yml@v1.0.1"}, "README.md says @v1.0.1"),
    ],
)
def test_a_tag_is_held_against_what_it_releases(changed, said):
    """Version, changelog and README."""
    given = {"tag": "v1", "version": "1.0.0", "changelog": CHANGELOG, "readme": README} | changed
    found = list(check_release.problems(**given))
    assert [problem for problem in found if said and said in problem] == found
    assert bool(found) == bool(said)


@pytest.mark.parametrize("version", ["1.0.0", "1.1.0", "2.0.3", "10.0.10", "0.1.0", "1.0.0rc1"])
def test_init_writes_the_release_that_it_is_of(version):
    """Not an older one that happens to be in a constant; before the first release, that one."""
    from lockgate.commands.init import FIRST, release_tag  # noqa: PLC0415 - only this test needs it

    released = version[0] != "0" and "rc" not in version
    assert release_tag(version) == (check_release.tag_of(version) if released else FIRST)


def test_the_command_reads_this_repository(tmp_path, capsys):
    """And ends with 1 where the tag is no release of it."""
    for name, text in (
        ("pyproject.toml", '[project]\nversion = "1.0.0"\n'),
        ("CHANGELOG.md", CHANGELOG),
        ("README.md", README),
    ):
        (tmp_path / name).write_text(text)
    assert check_release.main(["v1"], tmp_path) == 0
    assert check_release.main(["v1.2"], tmp_path) == 1
    assert check_release.main([]) == 2
    assert "v1 releases 1.0.0" in capsys.readouterr().out
    assert (ROOT / "CHANGELOG.md").is_file()


def test_every_example_names_the_same_release():
    """README, documents, samples and what `lockgate init` writes say this version's tag, and say that it does not move."""
    from lockgate.commands.init import release_tag  # noqa: PLC0415 - only this test needs it

    pages = [
        ROOT / "README.md",
        *(ROOT / "docs").glob("*.md"),
        *(ROOT / "examples" / "storefront" / ".github").rglob("*.yml"),
    ]
    named = {
        ref for page in pages for ref in re.findall(r"OWNER/lockgate/\S+@(v[\w.]+)", page.read_text(encoding="utf-8"))
    }
    assert named == {release_tag(__version__)}
    assert "never moved" in (ROOT / "README.md").read_text(encoding="utf-8")
    assert "never moved" in (ROOT / "scripts" / "lockgate" / "templates" / "deploy.yml").read_text(encoding="utf-8")


def test_a_release_is_the_same_bytes_wherever_it_is_built(tmp_path):
    """Source and wheel of one commit, in two clones with another time zone and other rights; the sums are theirs."""
    sums = set()
    for zone, umask in (("UTC", 0o022), ("Asia/Tokyo", 0o077)):
        there = tmp_path / zone.replace("/", "-")
        subprocess.run(["git", "clone", "--quiet", ROOT, there], check=True, umask=umask, timeout=60)
        (there / "CHANGELOG.md").write_text(f"## [Unreleased]\n- later\n## [{__version__}] - 2027-01-31\n- first\n")
        env = {**os.environ, "TZ": zone, "UV_OFFLINE": "1"}
        words = [there / "scripts" / "make_dist.sh", ROOT / ".cache" / "bin" / "uv"]
        subprocess.run(words, env=env, check=True, umask=umask, timeout=60)
        sums.add((there / "dist" / "SHA256SUMS").read_text())
        assert (there / "dist" / "NOTES.md").read_text().strip() == "- first"
    assert len(sums) == 1
    named = dict(reversed(line.split("  ")) for line in sums.pop().splitlines())
    held = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in (there / "dist").glob("*[lz]")}
    assert named == held
    assert sorted(path.rpartition(".")[2] for path in held) == ["gz", "whl"]


def test_what_publishes_runs_nothing_of_this_repository():
    """The job that can write checks nothing out, and signs what another has built; every other job can read only."""
    import yaml  # noqa: PLC0415

    jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "release.yml").read_text(encoding="utf-8"))["jobs"]
    for name, job in jobs.items():
        writes = {scope for scope, level in job["permissions"].items() if level == "write"}
        assert bool(writes) == (name == "publish")
    used = [step["uses"].partition("@")[0] for step in jobs["publish"]["steps"] if "uses" in step]
    assert used == ["actions/download-artifact", "actions/attest"]
    assert jobs["publish"]["environment"] == "release"
    assert set(jobs["build"]["needs"]) == {"check", "scanner"}
    said = "\n".join(step.get("run", "") for step in jobs["publish"]["steps"])
    assert "git tag" not in said
    assert "--force" not in said
