"""The user's own commands inside a rollout: integration tests, and what runs around the promotion."""

from dataclasses import dataclass

from lockgate.adapters import tracing
from lockgate.adapters.process import run_shell
from lockgate.adapters.signals import StopSignal, ThreadStop
from lockgate.commands.project import Project
from lockgate.commands.secret_values import secrets_for_command
from lockgate.core.config import EnvironmentConfig
from lockgate.core.reasons import Reason
from lockgate.core.rollout_model import Event, EventKind, Moment


@dataclass(frozen=True, slots=True)
class EnvironmentCommands:
    """Runs them in the project, with LOCKGATE_URL naming the new revision, and secrets of the vault for them only."""

    project: Project
    environment: EnvironmentConfig
    stop: StopSignal | ThreadStop

    def integrate(self, url: str) -> Event:
        """Run the integration tests."""
        config = self.environment.integration
        passed, told = self._run(config.command, config.timeout, url)
        reason = Reason.OK if passed else Reason.INTEGRATION_TESTS_FAILED
        return Event(EventKind.INTEGRATED, passed=passed, reason=reason, message=f"the integration tests {told}")

    def hook(self, moment: Moment, url: str) -> Event:
        """Run the command of a moment."""
        config = self.environment.migration
        command = config.before if moment is Moment.BEFORE else config.after
        passed, told = self._run(command, config.timeout, url)
        reason = Reason.OK if passed else Reason.HOOK_FAILED
        return Event(EventKind.HOOKED, passed=passed, reason=reason, message=f"the command {moment} promotion {told}")

    def _run(self, command: str, timeout: float, url: str) -> tuple[bool, str]:
        secrets = secrets_for_command(self.project, self.environment)
        env = self.project.runner.child_env({**secrets, **tracing.environment(), "LOCKGATE_URL": url})
        with self.stop.interruptible():
            done = run_shell(
                command,
                cwd=self.project.root,
                env=env,
                timeout=timeout,
                on_line=self.project.console.external,
                stop=self.stop.asked,
            )
        if done.timed_out:
            return False, f"ran past {timeout:g} s"
        how = "passed" if done.code == 0 else f"ended with code {done.code}"
        return done.code == 0, f"{how} in {done.seconds:.1f} s"
