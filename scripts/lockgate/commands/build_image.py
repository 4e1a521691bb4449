"""Build a container image, weigh it, and push it or keep it here."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

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
BuildList = Callable[[Callable[[str], Sequence[str]], float], str]
"""Build for several platforms with these words, given a file for the digest, within some seconds; give the digest."""


def build_image(task: Task, engine: Engine, push: Push | None = None) -> Built:
    """Build with docker or podman; an image over its budget is neither pushed nor handed over.

    `push` signs in to the registry first, where being signed in already is not counted on.
    """
    say, budget, epoch = task.project.console.external, task.budget, task.epoch
    context = task.context
    dockerfile = context / task.config.dockerfile
    if not dockerfile.is_file():
        raise BuildFailedError(f"There is no {task.config.dockerfile} in {context}.", fix="Correct build.dockerfile.")
    task.project.console.step(f"building {task.config.dockerfile} with {engine.program}")
    labels, variables = _labels(task.project, epoch), {**reproducible(epoch), **_NO_EXTRAS}
    exports = task.config.cache and engine.kind is BuilderKind.DOCKER and engine.exports_cache()
    more = image_build.cache_words(engine.kind, _name(task) if task.config.cache else "", exports=exports)
    image_id = budget.spend(
        lambda left: engine.build(
            context, dockerfile, labels, timeout=left, on_line=say, extra_env=variables, more=more
        )
    )
    weight = budget.spend(lambda _: engine.measure(image_id))
    task.weigh(weight.size, weight.largest)
    if task.config.platforms:
        artifact = _push_list(
            task,
            engine,
            lambda words, left: engine.build_list(
                context,
                dockerfile,
                labels,
                timeout=left,
                on_line=say,
                extra_env=variables,
                more=lambda file: [*more, *words(file)],
            ),
        )
    else:
        artifact = _keep(task, engine, image_id, push, as_cache=task.config.cache and not exports)
    return Built(
        artifact,
        weight.size,
        f"{weight.layers} layers",
        weight.largest,
        {"builder": str(engine.kind), "size": weight.size, "layers": weight.layers},
        base=dockerfile_rules.bases(dockerfile.read_text(encoding="utf-8", errors="replace"))[:_MOST_BASES],
    )


def _keep(task: Task, engine: Engine, image_id: str, push: Push | None, *, as_cache: bool) -> Artifact:
    """Push to the registry, or name the image here and write it into the output directory."""
    local = Artifact(ArtifactKind.IMAGE, task.config.image or task.project.config.service, image_id)
    if name := _name(task):
        say = task.project.console.external
        task.project.console.step(f"pushing to {name}")
        with_sign_in = push or (
            lambda engine, image, name, tag, left: engine.push(image, name, tag, timeout=left, on_line=say)
        )
        digest = task.budget.spend(lambda left: with_sign_in(engine, image_id, name, local.short, left))
        if as_cache and engine.kind is BuilderKind.DOCKER:
            tag = image_build.CACHE_TAG
            task.budget.spend(lambda left: with_sign_in(engine, image_id, name, tag, left))
        return Artifact(ArtifactKind.IMAGE, name, digest)
    engine.tag(image_id, local.name, local.short)
    if output := task.output:
        task.project.console.step(f"writing {handover.IMAGE}")
        task.budget.spend(lambda left: engine.save(image_id, output / handover.IMAGE, timeout=left))
    return local


def _push_list(task: Task, engine: Engine, build: BuildList) -> Artifact:
    """Build the image, which was weighed, for every platform, and push the list; raise BuildFailedError."""
    name, platforms = _name(task), task.config.platforms
    if engine.kind is not BuilderKind.DOCKER:
        raise BuildFailedError(
            f"{engine.kind} builds for this machine alone.",
            why="build.platforms asks for several, which docker's buildx builds.",
            fix="Install docker with buildx, or leave build.platforms out.",
        )
    task.project.console.step(f"building for {', '.join(platforms)}, and pushing to {name}")
    tag = task.project.commit[:12] or "latest"
    digest = task.budget.spend(
        lambda left: build(lambda file: image_build.platform_words(platforms, name, tag, file), left)
    )
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
