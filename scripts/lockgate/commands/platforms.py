"""The platform of one environment, ready for the four verbs."""

from collections.abc import Mapping
from typing import Any

from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.azure import azure_config, open_arm
from lockgate.commands.project import Project
from lockgate.core import vault_reference
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_target import TargetKind
from lockgate.core.release import ArtifactKind
from lockgate.core.target import Target


def open_target(
    project: Project, environment: EnvironmentConfig, secrets: Mapping[str, str], stop: StopSignal | ThreadStop
) -> Target:
    """Make the platform adapter that the environment names; a new revision gets to see `secrets`."""
    if environment.target.kind.on_azure:
        return _on_azure(project, environment, secrets, stop)
    return _here(project, environment, secrets, stop)


def _here(
    project: Project, environment: EnvironmentConfig, secrets: Mapping[str, str], stop: StopSignal | ThreadStop
) -> Target:
    # Each platform is loaded where it is used: a deploy needs one of them.
    from lockgate.adapters.bundle import BundleStore  # noqa: PLC0415
    from lockgate.adapters.local.container import ContainerLauncher  # noqa: PLC0415
    from lockgate.adapters.local.target import LocalTarget  # noqa: PLC0415
    from lockgate.commands.containers import ContainersWhenNeeded, engine  # noqa: PLC0415

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


def _on_azure(
    project: Project, environment: EnvironmentConfig, secrets: Mapping[str, str], stop: StopSignal | ThreadStop
) -> Target:
    clock = stop.clock(project.clock)
    config = azure_config(project, environment)
    group = f"/subscriptions/{config.subscription}/resourceGroups/{config.resource_group}"
    vault, named = environment.azure.key_vault, project.config.secrets
    common: dict[str, Any] = {
        "arm": open_arm(project, environment, clock=clock),
        "group": group,
        "environment": environment.name,
        "config": environment.target,
        "drain": environment.strategy.drain,
        "clock": clock,
        "say": lambda text: project.console.step(f"{environment.name}: {text}"),
    }
    if environment.target.kind is TargetKind.APP_SERVICE:
        from lockgate.adapters.azure.app_service import AppServiceTarget  # noqa: PLC0415

        return AppServiceTarget(**common, settings={**secrets, **vault_reference.app_settings(vault, named)})
    from lockgate.adapters.azure.container_apps import ContainerAppsTarget  # noqa: PLC0415

    own = [{"name": vault_reference.container_app_secret(name), "value": value} for name, value in secrets.items()]
    shown = [{"name": name, "secretRef": vault_reference.container_app_secret(name)} for name in secrets]
    return ContainerAppsTarget(
        **common,
        secrets=own + vault_reference.container_app_secrets(vault, named),
        env=shown + vault_reference.container_app_env(vault, named),
    )
