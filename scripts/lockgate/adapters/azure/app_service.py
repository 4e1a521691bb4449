"""The `azure-app-service` target: a deployment slot is the preview, and production is what a swap puts there."""

import secrets as tokens
from collections.abc import Callable, Mapping

from lockgate.adapters.azure.arm import Arm
from lockgate.adapters.azure.patience import Memory, drained, insistently, later, patiently, require_image
from lockgate.adapters.azure.plan_scale import PlanScale
from lockgate.adapters.azure.site import SWAP_SECONDS, SiteCalls
from lockgate.adapters.clock import Clock
from lockgate.core import app_service, azure_marks, azure_outlook
from lockgate.core.app_service import FULL, Site, Swap
from lockgate.core.config_target import TargetConfig
from lockgate.core.outlook import Outlook
from lockgate.core.release import Release
from lockgate.core.target import Observation, Revision
from lockgate.errors import AzureError, TargetError

_PAUSE = 2.0
_SETTLE_SECONDS = 30.0
"""How long both slots must stay as they were, with nothing at work on them, until an unanswered swap was none."""


class AppServiceTarget:
    """One web app with a preview slot. Implements `core.target.Target`."""

    def __init__(
        self,
        *,
        arm: Arm,
        group: str,
        environment: str,
        config: TargetConfig,
        drain: float,
        settings: Mapping[str, str],
        clock: Clock,
        say: Callable[[str], None],
        settle: float = _SETTLE_SECONDS,
        swap_timeout: float = SWAP_SECONDS,
    ) -> None:
        self._calls = SiteCalls(arm, group, config.app, config.slot)
        self._scale = PlanScale(arm, group, config.autoscale)
        self._environment = environment
        self._config = config
        self._drain = drain
        self._settings = settings
        self._clock = clock
        self._say = say
        self._settle = settle
        self._swap_timeout = swap_timeout
        self._memory: Memory[Site] = Memory(clock)
        self._served: set[str] = set()

    def observe(self) -> Observation:
        """Say what both slots hold and who gets traffic. What was read in the last two seconds is not read again."""
        return self._seen().observation()

    def outlook(self, release: Release) -> Outlook:  # noqa: ARG002 - the protocol's; a slot is the same for any release
        """Say what a deploy would change: reads only."""
        site = self._ready()
        return azure_outlook.for_slots(
            site,
            self._config,
            settings=(self._calls.settings_of_production, self._calls.settings_of_preview),
            given=self._settings,
            sticky=self._calls.sticky_names(),
            document=self._calls.document,
            scale=self._scale.differences(self._calls.plan, self._calls.location),
        )

    def deploy_preview(self, release: Release) -> Revision:
        """Put a release into the preview slot, with production's sticky settings applied to it."""
        require_image(release)
        site = self._ready()
        found = site.preview
        if found.prepared and found.running and self._is(found.marked, release):
            return found.revision()
        self._scale.apply(self._calls.plan, self._calls.location, self._say)
        if found.prepared:
            patiently(self._clock, self._calls.reset)
            self._calls.read()
        revision = f"{release.artifact.short}-{tokens.token_hex(3)}"
        marks = azure_marks.marks(release, revision, self._environment)
        settings = app_service.settings_for(
            self._calls.settings_of_preview, marks, self._settings, self._config.warm_up
        )
        affinity = azure_outlook.slot_affinity(self._config, self._calls.document)
        for missing in filter(None, [app_service.warm_up_missing(settings), affinity]):
            self._say(missing)
        self._memory.forget()
        patiently(self._clock, lambda: self._calls.put_release(release, settings))
        if not found.running:
            patiently(self._clock, lambda: self._calls.turn("start"))
        self._apply()
        site = self._memory.keep(self._calls.read_preview())
        if site.preview.marked.id != revision or not site.preview.prepared:
            raise TargetError(
                f"{self._environment}: {self._config.slot} does not hold the release that was put there.",
                why=f"It reads {site.preview.marked.id or 'nothing'}; something else changes it at the same moment.",
            )
        return site.preview.revision()

    def shift(self, weights: Mapping[str, int]) -> None:
        """Send a share to the preview slot by a ramp-up rule, or all users to what it holds by a swap; read it back."""
        site = self._memory.keep(self._calls.read_again())
        wanted = {name: weight for name, weight in weights.items() if weight}
        for name in wanted:
            if site.find(name) is None:
                raise TargetError(f"{self._environment}: no slot holds {name}; nothing was shifted.")
        if sum(wanted.values()) != FULL:
            raise TargetError(f"{self._environment}: {dict(weights)} is not a split of traffic; nothing was shifted.")
        site = self._quiet(site)
        preview = site.preview.marked.id
        if wanted.get(preview) == FULL and preview != site.production.marked.id:
            site = self._share(site, 0)
            self._swap(site)
        else:
            self._share(site, 0 if preview == site.production.marked.id else wanted.get(preview, 0))

    def retire(self, revision_id: str) -> None:
        """Stop the preview slot if it holds this revision; what was prepared for a swap that never came is undone."""
        site = self._memory.keep(self._calls.read_to_stop())
        found = site.find(revision_id)
        if found is None:
            return
        if found is site.production or found.revision_weight:
            raise TargetError(
                f"{self._environment}: {revision_id} has traffic and is not stopped.",
                fix="Shift its traffic to another revision first.",
            )
        drained(self._clock, self._drain if revision_id in self._served else 0.0)
        self._memory.forget()
        if found.prepared:
            patiently(self._clock, self._calls.reset)
        if found.running:
            patiently(self._clock, lambda: self._calls.turn("stop"))
        self._memory.keep(self._calls.stopped(site))

    def _seen(self) -> Site:
        site = self._memory.last() or self._memory.keep(self._calls.read_quickly())
        self._served |= {one.id for one in site.observation().revisions if one.weight}
        return site

    def _is(self, found: azure_marks.Marked, release: Release) -> bool:
        return (found.digest, found.version, found.commit) == (release.artifact.digest, release.version, release.commit)

    def _ready(self) -> Site:
        """Read both slots, and refuse where a preview could not be put beside what serves."""
        site = self._memory.last() if self._calls.read_whole else None
        site = site or self._memory.keep(self._calls.read())
        if not site.production.running:
            raise TargetError(
                f"{self._environment}: {self._config.app} is stopped, so nobody is served whatever is deployed.",
                fix=f"Start it first: az webapp start --name {self._config.app} (and its resource group).",
            )
        if site.share:
            raise TargetError(
                f"{self._environment}: {site.share} % of the users are sent to the preview slot, so it is not free.",
                why="A rollout is under way, or was cut off between two steps.",
                fix="Run lockgate recover.",
            )
        if others := self._calls.other_rules:
            raise TargetError(
                f"{self._environment}: other slots get users, too: {', '.join(others)}.",
                why="What they answer would be taken for the release's, and a swap does not move them.",
                fix="Clear these routing rules: az webapp traffic-routing clear.",
            )
        return site

    def _apply(self) -> None:
        try:
            insistently(self._clock, self._calls.apply)
        except AzureError as error:
            if error.certain or not self._calls.read_preview().preview.prepared:
                raise

    def _quiet(self, site: Site) -> Site:
        """Wait until Azure has ended what it is at: a swap that was begun could still come after this was read."""
        deadline = self._clock.monotonic() + self._swap_timeout
        pause = _PAUSE
        while site.production.busy or site.preview.busy:
            if self._clock.monotonic() > deadline:
                raise TargetError(
                    f"{self._environment}: Azure does not end an operation on {self._config.app}.",
                    why="Until it does, nobody knows which release it leaves in production.",
                    fix="Look at the app's activity log; when it has ended, run lockgate recover.",
                )
            pause = later(self._clock, pause)
            site = self._memory.keep(self._calls.read_again())
        return site

    def _share(self, site: Site, share: int) -> Site:
        if site.share == share:
            return site
        self._memory.forget()
        problem: AzureError | None = None
        try:
            patiently(self._clock, lambda: self._calls.route(share, site.preview.host))
        except AzureError as error:
            problem = error
        after = self._memory.keep(self._calls.read_rules())
        if after.share != share:
            raise problem or TargetError(
                f"{self._environment}: {share} % were to be sent to the preview slot, and it reads {after.share} %.",
                why="Azure did not take the routing rule, or something else changes it.",
                fix="Where it refuses rules while a swap is prepared, set strategy.steps: [100].",
            )
        self._served |= {one.id for one in after.observation().revisions if one.weight}
        return after

    def _swap(self, before: Site) -> None:
        """Have one swap accepted at most, and decide by what both slots hold, whatever is answered."""
        self._memory.forget()
        problem: AzureError | None = None
        try:
            insistently(self._clock, lambda: self._calls.swap(self._swap_timeout))
        except AzureError as error:
            problem = error
        deadline = self._clock.monotonic() + (self._swap_timeout if problem else self._settle)
        quiet_since, pause = self._clock.monotonic(), _PAUSE
        while True:
            after = self._calls.read_again() if problem else self._calls.read_quickly()
            found = app_service.decide(before, after)
            now = self._clock.monotonic()
            if found is Swap.DONE:
                self._memory.keep(after)
                return
            quiet_since = now if found is Swap.PENDING else quiet_since
            lasting = (problem is not None and problem.certain) or now - quiet_since > self._settle
            if found is Swap.UNKNOWN or now > deadline or (found is Swap.NOT_DONE and lasting):
                raise self._not_swapped(found, after, problem)
            pause = later(self._clock, pause)

    def _not_swapped(self, found: Swap, after: Site, problem: AzureError | None) -> TargetError:
        error = TargetError(
            f"{self._environment}: the swap is {found}; production holds {after.production.marked.id}, the preview "
            f"slot {after.preview.marked.id}.",
            why=str(problem) if problem else "Azure reported it done, and both slots say otherwise.",
            fix="It is not sent again after such an answer. Look at the app's activity log, then run lockgate recover.",
        )
        error.__cause__ = problem
        return error
