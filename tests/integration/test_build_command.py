"""`lockgate build` on real repositories: bundles for real, images with the fake engine of tests/containers."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lockgate.adapters import handover
from lockgate.adapters.bundle import BundleStore, remove
from lockgate.commands import build
from lockgate.core.config import Budgets, BuildConfig, BuilderKind, BundleConfig, Config
from lockgate.core.reasons import Decision
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.core.result import Result
from lockgate.errors import (
    BuilderMissingError,
    BuildFailedError,
    BuildOverBudgetError,
    ImageOverBudgetError,
    StateError,
)
from tests.fixtures.stage import Stage, stage

FAKE = Path(__file__).parent.parent / "containers" / "fake_engine.py"
GIT = {
    "GIT_AUTHOR_NAME": "t",
    "GIT_AUTHOR_EMAIL": "t@example.invalid",
    "GIT_COMMITTER_NAME": "t",
    "GIT_COMMITTER_EMAIL": "t@example.invalid",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_AUTHOR_DATE": "2026-01-02T03:04:05Z",
    "GIT_COMMITTER_DATE": "2026-01-02T03:04:05Z",
}
EPOCH = "1767323045"


def git(root: Path, *arguments: str) -> None:
    subprocess.run(["git", "-C", str(root), *arguments], env={**os.environ, **GIT}, check=True, capture_output=True)


@pytest.fixture
def repository(tmp_path):
    """A committed service with the rubbish that a checkout collects."""
    root = tmp_path / "repository"
    (root / "app").mkdir(parents=True)
    (root / "app" / "main.py").write_text("print('hello')\n")
    (root / "Dockerfile").write_text('FROM scratch\nRUN echo "built at $SOURCE_DATE_EPOCH"\nCMD ["true"]')
    (root / ".gitignore").write_text("ignored/\n.lockgate/\n")
    (root / "docs").mkdir()
    (root / "docs" / "manual.md").write_text("long\n")
    (root / ".dockerignore").write_text("docs\n.gitignore\n")
    git(root, "init", "-q")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "first")
    (root / "ignored").mkdir()
    (root / "ignored" / "cache").write_text("x\n")
    yield root
    remove(root / ".lockgate")


@pytest.fixture
def engine_state(tmp_path) -> Path:
    """The fake engine's files."""
    return tmp_path / "engine"


def opened(root: Path, *, budgets: Budgets | None = None, engine: Path | None = None, **settings) -> Stage:
    """Open the repository with a config; a machine without `engine` has no docker at all."""
    tools = root.parent / "bin"
    tools.mkdir(exist_ok=True)
    for name in ("git", "sleep", "mkdir"):
        if not (tools / name).exists():
            (tools / name).symlink_to(str(shutil.which(name)))
    env = {"PATH": str(tools), "HOME": str(root.parent)}
    if engine:
        engine.mkdir(exist_ok=True)
        program = engine / "bin" / "docker"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
        program.chmod(0o755)
        env |= {"PATH": f"{engine / 'bin'}{os.pathsep}{tools}", "FAKE_ENGINE_STATE": str(engine)}
    kind = settings.pop("kind", BuilderKind.AUTO)
    config = Config("shop", build=BuildConfig(kind=kind, **settings), budgets=budgets or Budgets())
    return stage(root, config, env)


def built(here: Stage, *, output: Path | None = None, kind: str | None = None) -> Result:
    arguments = argparse.Namespace(output=str(output) if output else None, kind=kind)
    return build.run(here.project, arguments)


def names(place: Path) -> set[str]:
    return {path.relative_to(place).as_posix() for path in place.rglob("*") if path.is_file()}


def test_without_an_engine_a_bundle_of_the_commit_is_built(repository):
    """The bundle holds the tracked files less what .dockerignore leaves out, and is ready to be started."""
    here = opened(repository)
    result = built(here)
    assert result.decision is Decision.PASSED
    place = BundleStore(here.project.state / "bundles").path(Artifact.parse(result.image))
    assert names(place) == {"app/main.py", "Dockerfile", ".dockerignore"}
    assert result.data["files"] == 3
    assert result.data["size"] == result.budgets[1].measured
    assert {line.name: line.kept for line in result.budgets} == {"build": True, "image": True}
    assert "no container engine works here: building a bundle" in here.console.getvalue()


def test_the_same_commit_has_the_same_digest_again(repository, tmp_path):
    """A fresh clone, other times, another umask: the digest names the commit's content and nothing else."""
    command = "mkdir vendor && echo dependency > vendor/lib.py && : > vendor/lib.pyc"
    first = built(opened(repository, bundle=BundleConfig(command=command)))
    git(tmp_path, "clone", "-q", str(repository), "again")
    old_umask = os.umask(0o077)
    try:
        second = built(opened(tmp_path / "again", bundle=BundleConfig(command=command)))
    finally:
        os.umask(old_umask)
    assert first.image == second.image
    remove(tmp_path / "again" / ".lockgate")


def test_what_is_not_in_git_stays_out_and_is_said(repository):
    """A forgotten `git add` is noticed here and not in production."""
    before = built(opened(repository)).image
    (repository / "coverage.xml").write_text("a report of the test stage\n")
    here = opened(repository)
    assert built(here).image == before
    assert "not in git, so not in the bundle: coverage.xml (1 in all)" in here.console.getvalue()


def test_a_change_that_is_not_committed_is_built(repository):
    """What a person sees in the work tree is what is built; the version says that it is dirty."""
    before = built(opened(repository)).image
    (repository / "app" / "main.py").write_text("print('changed')\n")
    assert built(opened(repository)).image != before


def test_a_file_deleted_in_the_work_tree_is_not_built(repository):
    """Git still tracks it; it is gone all the same."""
    (repository / "app" / "main.py").unlink()
    assert built(opened(repository)).data["files"] == 2


def test_outside_git_every_file_is_built_but_our_own(tmp_path):
    """Without git there is no commit to go by: that is said, and the output and the state do not get in."""
    root = tmp_path / "plain"
    (root / ".venv").mkdir(parents=True)
    (root / ".venv" / "python").symlink_to("/usr/bin/python3")
    (root / "app").mkdir()
    (root / "app" / "main.py").write_text("x\n")
    first, second = (built(here := opened(root), output=root / "out") for _ in range(2))
    assert first.image == second.image
    assert first.data["files"] == 1
    assert "is not in a git work tree" in here.console.getvalue()
    remove(root / ".lockgate")


def test_the_prepare_command_runs_in_a_clean_copy(repository):
    """It sees the commit's files and the commit's time, no runner's token, and leaves nothing in the checkout."""
    command = 'echo * > listing; echo "$SOURCE_DATE_EPOCH $PYTHONDONTWRITEBYTECODE $LOCKGATE_X" > env; echo said'
    here = opened(repository, bundle=BundleConfig(command=command))
    result = built(here)
    place = BundleStore(here.project.state / "bundles").path(Artifact.parse(result.image))
    assert (place / "env").read_text().split() == [EPOCH, "1"]
    assert (place / "listing").read_text().split() == ["Dockerfile", "app"]
    assert not (repository / "env").exists()
    assert "        | said" in here.console.getvalue()
    assert result.seconds.tool > 0


def test_a_prepare_command_that_fails_says_what_it_printed(repository):
    """The builder's words are the reason, and nothing is kept."""
    here = opened(repository, bundle=BundleConfig(command="echo cannot resolve >&2; exit 4"))
    with pytest.raises(BuildFailedError, match="ended with code 4") as caught:
        built(here)
    assert "cannot resolve" in caught.value.why
    assert not (repository / ".lockgate" / "bundles").exists()


def test_a_prepare_command_is_stopped_when_the_budget_is_spent(repository):
    """A build that hangs ends with its budget."""
    here = opened(repository, bundle=BundleConfig(command="sleep 30"), budgets=Budgets(build=0.6))
    started = time.monotonic()
    with pytest.raises(BuildOverBudgetError, match="was stopped after"):
        built(here)
    assert time.monotonic() - started < 10


def test_a_budget_that_is_spent_before_the_tool_starts_is_over(repository):
    """No tool is started with no time left."""
    here = opened(repository, bundle=BundleConfig(command=":"), budgets=Budgets(build=0.000001))
    with pytest.raises(BuildOverBudgetError, match="its budget is"):
        built(here)


def test_a_bundle_over_its_budget_is_explained_and_not_kept(repository, tmp_path):
    """The largest parts are named; neither the store nor the output has it."""
    (repository / "model.bin").write_bytes(b"x" * 200_000)
    git(repository, "add", "model.bin")
    here = opened(repository, budgets=Budgets(image=100_000))
    with pytest.raises(ImageOverBudgetError, match=r"0\.2 MB; its budget is 100KB") as caught:
        built(here, output=tmp_path / "out")
    assert "model.bin (0.2 MB)" in caught.value.why
    assert list((tmp_path / "out").iterdir()) == []


def test_what_travels_is_in_the_output_directory(repository, tmp_path):
    """Another machine can deploy the bundle from that directory alone."""
    result = built(opened(repository), output=tmp_path / "out")
    release = handover.read(tmp_path / "out", "shop")
    assert (str(release.artifact), release.version, release.commit) == (result.image, result.version, "0" * 40)
    place = BundleStore(tmp_path / "other").add(tmp_path / "out" / handover.BUNDLE, release.artifact)
    assert "app/main.py" in names(place)
    remove(tmp_path / "other")


def test_an_output_that_is_a_file_is_said(repository, tmp_path):
    """Nothing is built that could not be handed over."""
    (tmp_path / "out").touch()
    with pytest.raises(StateError):
        built(opened(repository), output=tmp_path / "out" / "x")


@pytest.mark.parametrize(
    ("prepare", "settings", "message"),
    [
        (lambda root: (root / ".dockerignore").write_text("*"), {}, "nothing to build"),
        (lambda root: (root / ".dockerignore").write_text("[a"), {}, r"\.dockerignore cannot be read: line 1"),
        (lambda _: None, {"context": "nowhere"}, "build context nowhere is not a directory"),
        (lambda root: (root / "app" / "link").symlink_to("/etc/passwd"), {}, "app/link is a symlink to /etc/passwd"),
        (lambda root: (root / "app" / "link").symlink_to("../../x"), {}, "leads out of the bundle"),
        (lambda _: None, {"kind": BuilderKind.DOCKER, "dockerfile": "Nofile"}, "There is no Nofile"),
    ],
)
def test_what_cannot_be_built_is_said(repository, engine_state, prepare, settings, message):
    """Each has its own sentence, and no traceback."""
    prepare(repository)
    git(repository, "add", "--all")
    engine = engine_state if "kind" in settings else None
    with pytest.raises(BuildFailedError, match=message):
        built(opened(repository, engine=engine, **settings))


def test_a_directory_that_leads_outside_is_not_followed(repository, tmp_path):
    """A tracked path whose folder was replaced by a link to elsewhere does not bring that elsewhere in."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "main.py").write_text("secret\n")
    (repository / "app" / "main.py").unlink()
    (repository / "app").rmdir()
    (repository / "app").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(BuildFailedError, match="leads out of the build context"):
        built(opened(repository))


def test_a_pipe_in_the_context_is_not_waited_for(tmp_path):
    """A file that is none is refused instead of read for ever."""
    root = tmp_path / "plain"
    root.mkdir()
    os.mkfifo(root / "pipe")
    with pytest.raises(BuildFailedError, match="pipe is neither a file nor a directory"):
        built(opened(root))


def test_with_an_engine_an_image_is_built(repository, engine_state):
    """Where docker works, `auto` builds the Dockerfile and names the image by its ID."""
    here = opened(repository, engine=engine_state)
    result = built(here)
    artifact = Artifact.parse(result.image)
    assert (artifact.kind, artifact.name) == (ArtifactKind.IMAGE, "shop")
    assert result.data["builder"] == "docker"
    assert result.data["layers"] == 2
    assert "        | built at " + EPOCH in here.console.getvalue()
    calls = (engine_state / "calls.log").read_text()
    assert f"org.opencontainers.image.revision={'0' * 40}" in calls
    assert "org.opencontainers.image.created=2026-01-02T03:04:05+00:00" in calls
    assert f"tag {artifact.digest} shop:{artifact.short}" in calls


def test_an_image_without_registry_travels_as_an_archive(repository, engine_state, tmp_path):
    """The next job can load it and be sure of its digest."""
    result = built(opened(repository, engine=engine_state), output=tmp_path / "out")
    assert (tmp_path / "out" / handover.IMAGE).is_file()
    assert str(handover.read(tmp_path / "out", "shop").artifact) == result.image


def test_an_image_with_registry_is_pushed_and_travels_by_digest(repository, engine_state, tmp_path):
    """The digest is the registry's, and no archive has to be carried."""
    here = opened(repository, engine=engine_state, registry="Registry.example:5000/team", image="web/shop")
    result = built(here, output=tmp_path / "out")
    artifact = Artifact.parse(result.image)
    assert artifact.name == "registry.example:5000/team/web/shop"
    assert names(tmp_path / "out") == {"artifact.json", "dossier.json"}


def test_an_image_over_its_budget_is_not_pushed(repository, engine_state):
    """What is too large never reaches the registry."""
    here = opened(repository, engine=engine_state, registry="registry.example", budgets=Budgets(image=10))
    with pytest.raises(ImageOverBudgetError, match="its budget is 10B"):
        built(here)
    assert "\npush " not in (engine_state / "calls.log").read_text()


@pytest.mark.parametrize("containerd", [True, False])
def test_layers_are_kept_in_the_registry(repository, engine_state, containerd):
    """Written by the builder where it can, else in an image of their own; none is no reason to fail."""
    here = opened(repository, engine=engine_state, registry="registry.example", cache=True)
    if containerd:
        (engine_state / "containerd").touch()
    built(here)
    calls = (engine_state / "calls.log").read_text()
    into = "--cache-to type=registry,ref=registry.example/shop:lockgate-cache,mode=max,ignore-error=true"
    assert (into in calls) == containerd
    assert ("BUILDKIT_INLINE_CACHE=1" in calls) == (not containerd)
    assert ("push registry.example/shop:lockgate-cache" in calls) == (not containerd)
    assert calls.index("push registry.example/shop:") < calls.find("BUILDKIT_INLINE_CACHE=1") or containerd
    (engine_state / "fault-push-lockgate-cache").write_text("1 denied")
    assert built(here).decision is Decision.PASSED
    assert ("The layers were not kept" in here.console.getvalue()) == (not containerd)


def test_several_platforms_are_pushed_as_one_list(repository, engine_state):
    """The image of this machine is weighed first; the digest is that of the list; podman is refused."""
    settings = {"registry": "registry.example", "platforms": ("linux/amd64", "linux/arm64")}
    result = built(opened(repository, engine=engine_state, **settings))
    calls = (engine_state / "calls.log").read_text()
    assert "buildx build" in calls
    assert "--platform linux/amd64,linux/arm64 --push --tag registry.example/shop:000000000000" in calls
    assert "\npush " not in calls
    assert Artifact.parse(result.image).name == "registry.example/shop"
    with pytest.raises(ImageOverBudgetError):
        built(opened(repository, engine=engine_state, budgets=Budgets(image=10), **settings))
    assert (engine_state / "calls.log").read_text().count("buildx build") == 1
    (engine_state / "bin" / "podman").symlink_to(engine_state / "bin" / "docker")
    with pytest.raises(BuildFailedError, match="builds for this machine alone"):
        built(opened(repository, engine=engine_state, kind=BuilderKind.PODMAN, **settings))
    (engine_state / "silent-list").touch()
    with pytest.raises(BuildFailedError, match="as the image's ID"):
        built(opened(repository, engine=engine_state, **settings))


def test_auto_says_which_engine_it_passes_over(repository, engine_state):
    """A docker without a daemon is no reason to fail, and no secret."""
    engine_state.mkdir()
    (engine_state / "fault-ps").write_text("1 Cannot connect to the Docker daemon")
    here = opened(repository, engine=engine_state)
    assert built(here).image.startswith("bundle:")
    assert "no engine behind it: Cannot connect to the Docker daemon" in here.console.getvalue()
    assert "there is no podman on the PATH" in here.console.getvalue()


def test_auto_without_a_dockerfile_builds_a_bundle(repository, engine_state):
    """There is nothing an engine could build."""
    git(repository, "rm", "-q", "Dockerfile")
    here = opened(repository, engine=engine_state)
    assert built(here).image.startswith("bundle:")
    assert "there is no Dockerfile: building a bundle" in here.console.getvalue()


def test_an_engine_that_was_asked_for_must_work(repository):
    """An explicit wish is not silently replaced by something else."""
    with pytest.raises(BuilderMissingError, match="docker does not work here"):
        built(opened(repository, kind=BuilderKind.DOCKER))


def test_the_command_line_overrides_the_kind(repository, engine_state):
    """A bundle can be had where docker works."""
    assert built(opened(repository, engine=engine_state), kind="bundle").image.startswith("bundle:")
