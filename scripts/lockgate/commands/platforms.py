"""The platform of one environment, ready for the four verbs."""

from collections.abc import Mapping

from lockgate.adapters.bundle import BundleStore
from lockgate.adapters.local.container import ContainerLauncher
from lockgate.adapters.local.target import LocalTarget
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.containers import ContainersWhenNeeded, engine
from lockgate.commands.project import Project
from lockgate.core.config import EnvironmentConfig
from lockgate.core.release import ArtifactKind
from lockgate.core.target import Target


def open_target(
    project: Project, environment: EnvironmentConfig, secrets: Mapping[str, str], stop: StopSignal | ThreadStop
) -> Target:
    """Make the platform adapter that the environment names; a new revision gets to see `secrets`."""
    config = project.config
    return LocalTarget(
        service=config.service,
        environment=environment.name,
        config=environment.target,
        strategy=environment.strategy,
        build=config.build,
        state=project.state,
        materialise=BundleStore(project.state / "bundles").path,
        secrets=secrets,
        env=project.runner.child_env(),
        launchers={
            ArtifactKind.IMAGE: ContainersWhenNeeded(
                lambda: ContainerLauncher(engine(project), container_port=config.build.port)
            )
        },
        clock=stop.clock(project.clock),
        say=lambda text: project.console.step(f"{environment.name}: {text}"),
    )
