"""What each watch of a rollout must show: how long, how sure, compared with what."""

from dataclasses import replace

from lockgate.core.config import Budgets, EnvironmentConfig
from lockgate.core.rollout_model import Plan, Watch
from lockgate.core.samples import GateSpec
from lockgate.core.streams import objectives


def gate_spec(plan: Plan, watch: Watch, environment: EnvironmentConfig, budgets: Budgets) -> GateSpec:
    """Give the specification of one watch.

    The chance of failing a healthy release is promised for the whole rollout, so every watch gets its part of it (the
    union bound): one before promotion, one at each step. The restored revision is judged with the whole of it.
    """
    gate = environment.gate
    watches = 1 + len(plan.steps)
    duration = {Watch.PRE_PROMOTION: gate.pre_promotion, Watch.STEP: environment.strategy.pause,
                Watch.RESTORED: gate.verify, Watch.BAKE: gate.bake}[watch]  # fmt: skip
    spec = GateSpec(
        objectives=objectives(gate, budgets, live=watch is not Watch.PRE_PROMOTION, duration=duration),
        alpha=gate.alpha / watches,
        duration=duration,
        minimum_samples=gate.minimum_samples,
        minimum_span=gate.minimum_span,
        early_pass=False,
        compare=plan.baseline is not None,
    )
    match watch:
        case Watch.PRE_PROMOTION:
            return replace(spec, early_pass=True)
        case Watch.STEP:
            # A pause is chosen for its length; it cannot be asked for more samples than it has time for.
            return replace(spec, minimum_samples=max(1, min(gate.minimum_samples, int(gate.rate * duration / 2))))
        case Watch.RESTORED:
            return replace(spec, alpha=gate.alpha, early_pass=True, compare=False)
        case Watch.BAKE:
            return spec
