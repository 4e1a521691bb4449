"""The autoscale setting of an App Service plan: compared, set, and read back. Microsoft.Insights 2022-10-01."""

from collections.abc import Callable

from lockgate.adapters.azure.arm import Arm
from lockgate.core import autoscale
from lockgate.core.config_target import AutoscaleConfig
from lockgate.errors import TargetError

_API = "2022-10-01"


class PlanScale:
    """The setting that the config wants, if it wants one."""

    def __init__(self, arm: Arm, group: str, config: AutoscaleConfig | None) -> None:
        self._arm = arm
        self._settings = f"{group}/providers/Microsoft.Insights/autoscalesettings"
        self._config = config

    def differences(self, plan: str, location: str) -> list[str]:
        """Say what would change; nothing where none is configured. Changes nothing."""
        if self._config is None:
            return []
        wanted = autoscale.plan_setting(self._config, plan, location)
        return autoscale.plan_differences(wanted, autoscale.setting_for(plan, self._arm.pages(self._settings, _API)))

    def apply(self, plan: str, location: str, say: Callable[[str], None]) -> None:
        """Make the plan scale as configured; raise TargetError where Azure then says something else."""
        if self._config is None:
            return
        wanted = autoscale.plan_setting(self._config, plan, location)
        found = autoscale.setting_for(plan, self._arm.pages(self._settings, _API))
        if not autoscale.plan_differences(wanted, found):
            return
        # Azure has one setting for a plan: the one that is there is changed, not doubled.
        name = found["name"] if found else f"{autoscale.NAME}-{plan.rsplit('/', 1)[-1]}"
        body = {**wanted, "properties": {**wanted["properties"], "name": name}}
        say(f"autoscale: {autoscale.described(self._config)}")
        self._arm.send("PUT", f"{self._settings}/{name}", _API, body)
        left = autoscale.plan_differences(wanted, self._arm.get(f"{self._settings}/{name}", _API))
        if left:
            raise TargetError("The plan's autoscale setting is not what was set.", why="; ".join(left))
