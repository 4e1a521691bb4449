"""Build a container image, weigh it, and push it or keep it here."""

from collections.abc import Callable
from datetime import UTC, datetime

from lockgate.adapters import handover
from lockgate.adapters.engine_cli import Engine
from lockgate.commands.build_task import Built, Task, reproducible
from lockgate.commands.project import Project
from lockgate.core import dockerfile_rules
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
    say, budget, epoch = task.project.console.external, task.budget, task.epoch
    context = task.context
    dockerfile = context / task.config.dockerfile
    if not dockerfile.is_file():
        raise BuildFailedError(f"There is no {task.config.dockerfile} in {context}.", fix="Correct build.dockerfile.")
    task.project.console.step(f"building {task.config.dockerfile} with {engine.program}")
    labels, variables = _labels(task.project, epoch), {**reproducible(epoch), **_NO_EXTRAS}
    image_id = budget.spend(
        lambda left: engine.build(context, dockerfile, labels, timeout=left, on_line=say, extra_env=variables)
    )
    weight = budget.spend(lambda _: engine.measure(image_id))
    task.weigh(weight.size, weight.largest)
    artifact = _keep(task, engine, image_id, push)
    return Built(
        artifact,
        weight.size,
        f"{weight.layers} layers",
        weight.largest,
        {"builder": str(engine.kind), "size": weight.size, "layers": weight.layers},
        base=dockerfile_rules.bases(dockerfile.read_text(encoding="utf-8", errors="replace"))[:_MOST_BASES],
    )


def _keep(task: Task, engine: Engine, image_id: str, push: Push | None) -> Artifact:
    """Push to the registry, or name the image here and write it into the output directory."""
    local = Artifact(ArtifactKind.IMAGE, task.config.image or task.project.config.service, image_id)
    if task.config.registry:
        say = task.project.console.external
        name = f"{task.config.registry.lower()}/{local.name}"
        task.project.console.step(f"pushing to {name}")
        with_sign_in = push or (
            lambda engine, image, name, tag, left: engine.push(image, name, tag, timeout=left, on_line=say)
        )
        digest = task.budget.spend(lambda left: with_sign_in(engine, image_id, name, local.short, left))
        return Artifact(ArtifactKind.IMAGE, name, digest)
    engine.tag(image_id, local.name, local.short)
    if output := task.output:
        task.project.console.step(f"writing {handover.IMAGE}")
        task.budget.spend(lambda left: engine.save(image_id, output / handover.IMAGE, timeout=left))
    return local


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
