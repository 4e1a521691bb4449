"""Build in the Azure Container Registry; where it may not, build with docker and push there, keyless all the same."""

import tempfile
from collections.abc import Callable
from dataclasses import replace
from typing import IO

from lockgate.adapters import handover, image_pull, source_tree
from lockgate.adapters.azure.registry import Build, Registry
from lockgate.adapters.azure.registry_data import RegistryData
from lockgate.adapters.engine_cli import Engine, detect
from lockgate.adapters.oci_registry import Credential
from lockgate.commands.azure import open_registry
from lockgate.commands.build_image import build_image
from lockgate.commands.build_task import Built, Task, reproducible
from lockgate.commands.scan_subject import this_platform
from lockgate.core.config import BuilderKind
from lockgate.core.release import Artifact, ArtifactKind
from lockgate.errors import BuilderMissingError, BuildFailedError, TasksNotAllowedError

_SPOOL = 16 * 1024 * 1024


def build_acr(task: Task) -> Built:
    """Build there, and weigh what was pushed; raise StageError, AzureError."""
    if not (task.context / task.config.dockerfile).is_file():
        raise BuildFailedError(
            f"There is no {task.config.dockerfile} in {task.context}.", fix="Correct build.dockerfile."
        )
    registry, data = open_registry(task.project)
    try:
        digest = _in_registry(task, registry)
    except TasksNotAllowedError as error:
        task.project.console.warn(f"{error.what} {error.why}; building with docker instead")
        return _with_engine(task, data, error)
    artifact = Artifact(ArtifactKind.IMAGE, f"{registry.host}/{_repository(task)}", digest)
    size = task.budget.spend(lambda _: data.size(artifact))
    task.weigh(size, ())
    hand_over(task, artifact, data.login, ca=task.project.runner.ca_bundle)
    return Built(artifact, size, "compressed", (), {"builder": "acr", "size": size})


def _in_registry(task: Task, registry: Registry) -> str:
    console = task.project.console
    build = Build(
        context=_context(task),
        dockerfile=task.config.dockerfile,
        repository=_repository(task),
        tag=task.project.commit[:12] or "latest",
        arguments=reproducible(task.epoch),
    )
    console.step(f"building {build.dockerfile} in {registry.host}")
    return task.budget.spend(lambda left: registry.build(build, timeout=left, on_line=console.external))


def _context(task: Task) -> Callable[[], IO[bytes]]:
    def opened() -> IO[bytes]:
        file = tempfile.SpooledTemporaryFile(max_size=_SPOOL)  # noqa: SIM115 - whoever uploads it closes it
        count = source_tree.write_context(task.context, task.config.dockerfile, file)
        task.project.console.step(f"uploading {count} files, {file.tell() / 1e6:.1f} MB packed")
        file.seek(0)
        return file

    return opened


def _with_engine(task: Task, data: RegistryData, refused: TasksNotAllowedError) -> Built:
    try:
        engine = detect(BuilderKind.DOCKER, task.project.runner.child_env(), to_build=True)
    except BuilderMissingError as error:
        raise refused from error

    def pushing(engine: Engine, image_id: str, name: str, tag: str, left: float) -> str:
        with data.docker_login() as login:
            signed_in = replace(engine, env={**engine.env, **login})
            return signed_in.push(image_id, name, tag, timeout=left, on_line=task.project.console.external)

    return build_image(task, engine, push=pushing)


def hand_over(task: Task, artifact: Artifact, login: Callable[[], tuple[str, str]], *, ca: str | None = None) -> None:
    """Pull the image for the job that scans it, which has no credential; raise ArtifactMissingError.

    It is no part of the build's budget: nothing is built by it.
    """
    project = task.project
    if task.output is None or not project.config.scan.looks_at_artifacts:
        return
    project.console.step(f"pulling {artifact.short} for its scan")
    image_pull.pull(
        artifact,
        task.output / handover.LAYOUT,
        platform=this_platform(),
        credential=lambda _: Credential(*login()),
        env=project.runner.bare_env(),
        timeout=project.config.scan.timeout,
        ca=ca,
    )


def _repository(task: Task) -> str:
    return task.config.image or task.project.config.service
