"""The places named under `notify` as an audience: they hear how a rollout ended."""

from dataclasses import dataclass

from lockgate.adapters import webhook
from lockgate.commands.narrate import headline
from lockgate.commands.project import Project
from lockgate.core import notification
from lockgate.core.notification import Form, NotifyConfig
from lockgate.core.reasons import Outcome
from lockgate.core.rollout_model import State, Watch
from lockgate.core.samples import GateReport
from lockgate.errors import NotificationError


@dataclass(frozen=True, slots=True)
class Notifier:
    """One rollout, told to everybody who wants to hear of it."""

    project: Project
    url: str
    """Where users reach the service."""

    def begun(self, state: State) -> None:
        """Nothing yet: a message that needs another to be understood is noise."""

    def judged(self, state: State, watch: Watch, report: GateReport) -> None:
        """Nothing yet."""

    def ended(self, state: State) -> None:
        """Tell how it ended; a place that cannot be told keeps nobody else from hearing."""
        now = self.project.clock.now()
        at, run_url = now.isoformat(timespec="seconds"), self.project.runner.run_url
        said = self.project.hide(notification.message(state, headline(state), at=at, url=self.url, run_url=run_url))
        for place in self.project.config.notify:
            if notification.wanted(place, state.outcome or Outcome.BROKEN):
                try:
                    self._tell(place, notification.body(place.to, said), int(now.timestamp()))
                except NotificationError as error:
                    self.project.console.warn(str(error))

    def _tell(self, place: NotifyConfig, sent: bytes, seconds: int) -> None:
        url, key = (self.project.runner.secret(name) if name else "" for name in (place.url_env, place.key_env))
        if not url or (place.to is Form.WEBHOOK and not key):
            missing = place.url_env if not url else place.key_env
            raise NotificationError(f"${missing} is not set here: nobody was told through it.")
        self.project.console.secrets.append(url)
        headers = {}
        if key:
            signed = notification.signature(key, sent, seconds)
            headers = {"X-Lockgate-Timestamp": str(seconds), "X-Lockgate-Signature": signed}
        webhook.send(place.url_env, url, sent, headers, self.project.clock)
