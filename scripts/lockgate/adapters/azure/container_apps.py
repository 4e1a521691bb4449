"""The `azure-container-apps` target: a new revision without traffic is the preview, and weights by name move users."""

from collections.abc import Callable, Mapping
from typing import Any

from lockgate.adapters.azure.app_calls import CHANGE_SECONDS, AppCalls, Seen
from lockgate.adapters.azure.arm import Arm
from lockgate.adapters.azure.patience import Memory, drained, later, patiently, require_image, until_there
from lockgate.adapters.clock import Clock
from lockgate.core import autoscale, azure_marks, azure_outlook, container_app
from lockgate.core.config_target import TargetConfig
from lockgate.core.container_app import FULL
from lockgate.core.outlook import Outlook
from lockgate.core.release import Release
from lockgate.core.target import Observation, Revision
from lockgate.errors import AzureError, OperationTimedOutError, TargetError

_PAUSE = 2.0


class ContainerAppsTarget:
    """One container app in multiple-revision mode. Implements `core.target.Target`."""

    def __init__(
        self,
        *,
        arm: Arm,
        group: str,
        environment: str,
        config: TargetConfig,
        drain: float,
        secrets: list[dict[str, str]],
        env: list[dict[str, str]],
        clock: Clock,
        say: Callable[[str], None],
    ) -> None:
        self._calls = AppCalls(arm, group, config.app)
        self._environment = environment
        self._config = config
        self._drain = drain
        self._secrets = secrets
        self._env = env
        self._clock = clock
        self._say = say
        self._memory: Memory[Seen] = Memory(clock)
        self._served: set[str] = set()

    def observe(self) -> Observation:
        """Say which revisions run and who gets traffic. What was read in the last two seconds is not read again."""
        seen = self._memory.last() or self._look()
        found = container_app.observation(seen.app, seen.revisions)
        self._served |= {one.id for one in found.revisions if one.weight}
        return found

    def outlook(self, release: Release) -> Outlook:
        """Say what a deploy would change: reads only."""
        seen = self._memory.last() or self._look()
        self._refuse_single(seen.app)
        name = self._next(seen, release)
        return azure_outlook.for_container_app(
            seen.app, seen.revisions, self._config, name=name, env=self._env, secrets=self._secrets
        )

    def deploy_preview(self, release: Release) -> Revision:
        """Bring up a new revision of the whole template with this image, at 0 %."""
        require_image(release)
        seen = self._quiet(self._memory.last() or self._look())
        self._refuse_single(seen.app)
        if affinity := azure_outlook.app_affinity(self._config, seen.app):
            self._say(affinity)
        before = container_app.weights_of(seen.app)
        found = self._already(seen, release)
        if found is None:
            if container_app.follows_latest(seen.app):
                seen = self._set_traffic(seen, before)
            found = self._create(seen, release)
        self._wait(found)
        seen = self._memory.keep(self._calls.beside(seen, found))
        if container_app.weights_of(seen.app).get(found):
            self._set_traffic(seen, before)
            raise TargetError(
                f"{self._environment}: {found} was given traffic as soon as it was there; that was taken back.",
                why="Something else changes the traffic of this app at the same moment.",
            )
        return self._revision(seen, found)

    def shift(self, weights: Mapping[str, int]) -> None:
        """Set the weights by revision name and read the list back."""
        seen = self._quiet(self._look())
        self._refuse_single(seen.app)
        running = self._running(seen)
        wanted = {name: weight for name, weight in weights.items() if weight}
        if gone := [name for name in wanted if name not in running]:
            raise TargetError(f"{self._environment}: {', '.join(gone)} does not run; nothing was shifted.")
        if sum(wanted.values()) != FULL:
            raise TargetError(f"{self._environment}: {dict(weights)} is not a split of traffic; nothing was shifted.")
        seen = self._set_traffic(seen, wanted)
        self._served |= set(wanted)
        for name in container_app.placeholders_of(seen.revisions):
            patiently(self._clock, lambda name=name: self._calls.deactivate(name))  # type: ignore[misc] # bound now
            seen = self._memory.keep(self._calls.without(seen, name))

    def retire(self, revision_id: str) -> None:
        """Deactivate a revision without traffic, and take its entry out of the traffic list."""
        seen = self._quiet(self._look())
        if revision_id not in self._running(seen):
            return
        weights = container_app.weights_of(seen.app)
        if weights.get(revision_id):
            raise TargetError(
                f"{self._environment}: {revision_id} has traffic and is not deactivated.",
                fix="Shift its traffic to another revision first.",
            )
        drained(self._clock, self._drain if revision_id in self._served else 0.0)
        self._memory.forget()
        if any(entry.get("revisionName") == revision_id for entry in container_app.traffic_of(seen.app)):
            seen = self._set_traffic(seen, weights, without=revision_id)
        patiently(self._clock, lambda: self._calls.deactivate(revision_id))
        self._memory.keep(self._calls.without(seen, revision_id))

    def _look(self) -> Seen:
        return self._memory.keep(self._calls.read())

    def _quiet(self, seen: Seen) -> Seen:
        """Wait until Azure has ended what it is at: that could still change what was read."""
        deadline = self._clock.monotonic() + CHANGE_SECONDS
        pause = _PAUSE
        while container_app.busy(seen.app):
            if self._clock.monotonic() > deadline:
                raise TargetError(
                    f"{self._environment}: Azure does not end an operation on {self._config.app}.",
                    why="Until it does, nobody knows which traffic it leaves.",
                    fix="Look at the app's activity log; when it has ended, run lockgate recover.",
                )
            pause = later(self._clock, pause)
            seen = self._look()
        return seen

    def _refuse_single(self, app: Mapping[str, Any]) -> None:
        if container_app.single_mode(app):
            raise TargetError(
                f"{self._environment}: {self._config.app} keeps a single revision.",
                why="In that mode traffic weights do nothing and say nothing, so a rollback would be none.",
                fix=f"az containerapp revision set-mode --mode multiple --name {self._config.app}",
            )

    def _running(self, seen: Seen) -> list[str]:
        return [one["name"] for one in seen.revisions if one["properties"].get("active")]

    def _already(self, seen: Seen, release: Release) -> str | None:
        wanted = (release.artifact.digest, release.version, release.commit)
        for one in container_app.observation(seen.app, seen.revisions).revisions:
            if (one.digest, one.version, one.commit) == wanted and one.alive and not one.weight:
                return one.id
        return None

    def _next(self, seen: Seen, release: Release) -> str:
        suffix = container_app.next_suffix(self._config.app, release, [one["name"] for one in seen.revisions])
        return f"{self._config.app}--{suffix}"

    def _create(self, seen: Seen, release: Release) -> str:
        name = self._next(seen, release)
        suffix = name.removeprefix(f"{self._config.app}--")
        marks = azure_marks.marks(release, name, self._environment)
        env = [*({"name": key, "value": value} for key, value in marks.items()), *self._env]
        scale = autoscale.container_scale(self._config.autoscale) if self._config.autoscale else None
        body = container_app.template_patch(seen.app, release, suffix, env, scale)
        if changed := self._calls.changed_secrets(seen.app, self._secrets):
            body["properties"]["configuration"] = {"secrets": changed}
        self._change(body, lambda now: name in self._running(now))
        return name

    def _change(self, body: Mapping[str, Any], done: Callable[[Seen], bool]) -> None:
        """Change the app, and where the answer leaves open whether it was changed, ask it once Azure is at nothing."""

        def there(error: AzureError) -> bool:
            seen = self._look()
            # What did not end in time was waited for already.
            return done(seen if isinstance(error, OperationTimedOutError) else self._quiet(seen))

        self._memory.forget()
        until_there(self._clock, lambda: self._calls.patch(body), there)

    def _wait(self, name: str) -> None:
        deadline = self._clock.monotonic() + self._config.start_timeout
        while (told := container_app.settled(self._calls.revision(name))) is None:
            if self._clock.monotonic() > deadline:
                raise TargetError(
                    f"{self._environment}: {name} is not up after {self._config.start_timeout:g} s.",
                    why="Azure still calls it processing or unhealthy.",
                    fix="Look at its logs; give it longer with target.start_timeout if it needs that.",
                )
            self._clock.sleep(_PAUSE)
        if told:
            raise TargetError(f"{self._environment}: {name} did not come up.", why=told)
        if self._config.autoscale:
            wanted = autoscale.container_scale(self._config.autoscale)
            found = (self._calls.last_revision["properties"].get("template") or {}).get("scale")
            if left := autoscale.container_differences(wanted, found):
                raise TargetError(f"{self._environment}: {name} does not scale as was set.", why="; ".join(left))

    def _set_traffic(self, seen: Seen, weights: Mapping[str, int], without: str = "") -> Seen:
        """Set the list, and believe only what is read back."""
        entries = container_app.edited(seen.app, weights, [one for one in self._running(seen) if one != without])
        if container_app.same_list(container_app.traffic_of(seen.app), entries):
            return seen
        body = container_app.traffic_patch(seen.app, entries)
        self._change(body, lambda now: container_app.same_list(container_app.traffic_of(now.app), entries))
        app = self._calls.app()
        if not container_app.same_list(container_app.traffic_of(app), entries):
            raise TargetError(
                f"{self._environment}: the traffic was set to {entries} and reads {container_app.traffic_of(app)}.",
                why="Something else changes it at the same moment.",
            )
        return self._memory.keep(Seen(app, seen.revisions))

    def _revision(self, seen: Seen, name: str) -> Revision:
        found = container_app.observation(seen.app, seen.revisions).find(name)
        if found is None:
            raise TargetError(f"{self._environment}: {name} is gone again.")
        return found
