"""Build a container image, weigh it, and push it or keep it here."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from lockgate.adapters import handover
from lockgate.adapters.engine_cli import Engine
from lockgate.commands.build_task import Built, Task, reproducible
from lockgate.commands.project import Project
from lockgate.core import dockerfile_rules, image_build
from lockgate.core.config import BuilderKind
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import BuildFailedError

_MOST_BASES = 50
_NO_EXTRAS = {"BUILDX_NO_DEFAULT_ATTESTATIONS": "1"}
"""Buildx would put an attestation of its own beside the image, which holds the time of the build, and so give another
digest each time. Who built it is signed apart, where that is wanted: see docs/provenance.md."""
Push = Callable[[Engine, str, str, str, float], str]
"""Push an image by id under a name and a tag within some seconds, and give its digest."""


def build_image(task: Task, engine: Engine, push: Push | None = None) -> Built:
    """Build with docker or podman; an image over its budget is neither pushed nor handed over.

    `push` signs in to the registry first, where being signed in already is not counted on.
    """
    dockerfile = task.context / task.config.dockerfile
    if not dockerfile.is_file():
        raise BuildFailedError(
            f"There is no {task.config.dockerfile} in {task.context}.", fix="Correct build.dockerfile."
        )
    task.project.console.step(f"building {task.config.dockerfile} with {engine.program}")
    env = {**reproducible(task.epoch), **_NO_EXTRAS}
    work = _Work(task, engine, dockerfile, _labels(task.project, task.epoch), env, push)
    cache = _name(task) if task.config.cache else ""
    exports = bool(cache) and engine.kind is BuilderKind.DOCKER and engine.exports_cache()
    words = image_build.cache_words(engine.kind, cache, exports=exports)
    image_id = work.build(words)
    weight = task.budget.spend(lambda _: engine.measure(image_id))
    task.weigh(weight.size, weight.largest)
    if task.config.platforms:
        artifact = _push_list(work, cache)
    else:
        artifact = _keep(work, image_id)
        if cache and engine.kind is BuilderKind.DOCKER and not exports:
            _leave_cache(work, cache, words)
    return Built(
        artifact,
        weight.size,
        f"{weight.layers} layers",
        weight.largest,
        {"builder": str(engine.kind), "size": weight.size, "layers": weight.layers},
        base=dockerfile_rules.bases(dockerfile.read_text(encoding="utf-8", errors="replace"))[:_MOST_BASES],
    )


@dataclass(frozen=True, slots=True)
class _Work:
    """One image, and the engine that builds it; every step counts for the build's budget."""

    task: Task
    engine: Engine
    dockerfile: Path
    labels: Mapping[str, str]
    env: Mapping[str, str]
    sign_in_and_push: Push | None

    def build(self, more: Sequence[str]) -> str:
        """Build for this machine, with words of its own; give the image's id."""
        return self.task.budget.spend(
            lambda left: self.engine.build(
                self.task.context,
                self.dockerfile,
                self.labels,
                timeout=left,
                on_line=self.task.project.console.external,
                extra_env=self.env,
                more=more,
            )
        )

    def build_list(self, more: Callable[[str], Sequence[str]]) -> str:
        """Build for several platforms, with words that depend on a file for the digest; give the list's digest."""
        return self.task.budget.spend(
            lambda left: self.engine.build_list(
                self.task.context,
                self.dockerfile,
                self.labels,
                timeout=left,
                on_line=self.task.project.console.external,
                extra_env=self.env,
                more=more,
            )
        )

    def push(self, image_id: str, name: str, tag: str) -> str:
        """Push an image under a tag; give its digest."""
        say = self.task.project.console.external
        if signs_in := self.sign_in_and_push:
            return self.task.budget.spend(lambda left: signs_in(self.engine, image_id, name, tag, left))
        return self.task.budget.spend(lambda left: self.engine.push(image_id, name, tag, timeout=left, on_line=say))


def _keep(work: _Work, image_id: str) -> Artifact:
    """Push to the registry, or name the image here and write it into the output directory."""
    task, engine = work.task, work.engine
    local = Artifact(ArtifactKind.IMAGE, task.config.image or task.project.config.service, image_id)
    if name := _name(task):
        task.project.console.step(f"pushing to {name}")
        return Artifact(ArtifactKind.IMAGE, name, work.push(image_id, name, local.short))
    engine.tag(image_id, local.name, local.short)
    if output := task.output:
        task.project.console.step(f"writing {handover.IMAGE}")
        task.budget.spend(lambda left: engine.save(image_id, output / handover.IMAGE, timeout=left))
    return local


def _leave_cache(work: _Work, name: str, words: Sequence[str]) -> None:
    """Push the image once more, with what the next build needs to take its layers.

    That holds the clock's time, so it is no part of the image that is deployed: built again, it is all there already.
    """
    console = work.task.project.console
    console.step("leaving its layers for the next build")
    try:
        work.push(work.build([*words, *image_build.INLINE_CACHE]), name, image_build.CACHE_TAG)
    except BuildFailedError as error:
        console.warn(f"The layers were not kept, so the next build takes longer: {error.what}")


def _push_list(work: _Work, cache: str) -> Artifact:
    """Build the image, which was weighed, for every platform, and push the list; raise BuildFailedError."""
    task, engine = work.task, work.engine
    name, platforms = _name(task), task.config.platforms
    if engine.kind is not BuilderKind.DOCKER:
        raise BuildFailedError(
            f"{engine.kind} builds for this machine alone.",
            why="build.platforms asks for several, which docker's buildx builds.",
            fix="Install docker with buildx, or leave build.platforms out.",
        )
    task.project.console.step(f"building for {', '.join(platforms)}, and pushing to {name}")
    tag = task.project.commit[:12] or "latest"
    # Whatever builds lists can write a cache of its own.
    words = image_build.cache_words(engine.kind, cache, exports=True)
    digest = work.build_list(lambda file: [*words, *image_build.platform_words(platforms, name, tag, file)])
    return Artifact(ArtifactKind.IMAGE, name, digest)


def _name(task: Task) -> str:
    """Give the image's name in its registry; "" where it stays here."""
    registry = task.config.registry.lower()
    return f"{registry}/{task.config.image or task.project.config.service}" if registry else ""


def _labels(project: Project, epoch: int | None) -> dict[str, str]:
    """The labels of the OCI image specification; `created` is the commit's time, not the clock's."""
    labels = {
        "org.opencontainers.image.title": project.config.service,
        "org.opencontainers.image.version": project.version,
        "org.opencontainers.image.revision": project.commit,
    }
    if epoch is not None:
        labels["org.opencontainers.image.created"] = datetime.fromtimestamp(epoch, UTC).isoformat()
    return {name: value for name, value in labels.items() if value}
