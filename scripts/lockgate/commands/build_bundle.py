"""Build a bundle: a clean copy of the commit's files, the user's command in it, packed under its digest."""

import shutil
import tempfile
from pathlib import Path

from lockgate.adapters import handover, source_tree
from lockgate.adapters.bundle import BundleStore, pack
from lockgate.adapters.process import run_shell
from lockgate.adapters.state import explained
from lockgate.commands.build_task import Built, Task, reproducible
from lockgate.core.redaction import shorten
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import BuildFailedError, BuildOverBudgetError

_TAIL_CHARACTERS = 2000
_NAMED = 3


def build_bundle(task: Task) -> Built:
    """Build, keep in this machine's store, and hand over. A bundle over its budget is neither kept nor handed over."""
    with tempfile.TemporaryDirectory(prefix="lockgate-build-") as temporary:
        stage, tar = Path(temporary) / "stage", Path(temporary) / handover.BUNDLE
        stage.mkdir()
        with explained(stage):
            source_tree.copy(task.context, _files(task), stage)
        if task.config.bundle.command:
            _prepare(task, stage)
        with explained(tar), tar.open("wb") as file:
            packed = pack(stage, file)
        task.weigh(packed.size, packed.largest)
        artifact = Artifact(ArtifactKind.BUNDLE, task.project.config.service, packed.digest)
        BundleStore(task.project.state / "bundles").add(tar, artifact)
        if task.output:
            with explained(task.output):
                shutil.copyfile(tar, task.output / handover.BUNDLE)
    return Built(
        artifact,
        packed.size,
        f"{packed.files} files",
        packed.largest,
        {"builder": "bundle", "size": packed.size, "files": packed.files},
    )


def _files(task: Task) -> list[str]:
    """The files of the commit, less our own; what does not ship is said."""
    console, context = task.project.console, task.context
    listing = source_tree.listing(context, task.project.runner.bare_env())
    if not listing.from_git:
        console.warn(f"{context} is not in a git work tree: every file in it becomes part of the bundle")
    if listing.untracked:
        some = ", ".join(listing.untracked[:_NAMED]) + (", ..." if len(listing.untracked) > _NAMED else "")
        console.warn(f"not in git, so not in the bundle: {some} ({len(listing.untracked)} in all)")
    ours = [place for place in (task.output, task.project.state_path) if place]
    names = [name for name in listing.names if not any((context / name).is_relative_to(place) for place in ours)]
    if not names:
        raise BuildFailedError(
            f"There is nothing to build in {context}.",
            fix="Commit the service's files, and see whether .dockerignore leaves all of them out.",
        )
    console.step(f"packing {len(names)} files of {task.config.context} into a bundle")
    return names


def _prepare(task: Task, stage: Path) -> None:
    command = task.config.bundle.command
    task.project.console.step(f"running {command}")
    # Byte code holds the time of its source, so it would make two builds of one commit differ.
    env = task.project.runner.child_env({"PYTHONDONTWRITEBYTECODE": "1"} | reproducible(task.epoch))
    say = task.project.console.external
    done = task.budget.spend(lambda left: run_shell(command, cwd=stage, env=env, timeout=left, on_line=say))
    if done.timed_out:
        raise BuildOverBudgetError(
            f"build.bundle.command was stopped after {done.seconds:.1f} s: the build's budget is spent.",
            fix="Make it faster, or raise budgets.build.",
        )
    if done.code:
        raise BuildFailedError(
            f"build.bundle.command ended with code {done.code}.",
            why=shorten(done.tail[-_TAIL_CHARACTERS:].strip(), _TAIL_CHARACTERS) or "It printed nothing.",
            fix=f"Run it in a clean checkout, where it must work as well: {command}",
        )
