"""What a deploy is said to do, before it does it."""

from lockgate.core.config import (
    Budgets,
    BuildConfig,
    Config,
    EnvironmentConfig,
    IntegrationConfig,
    MigrationConfig,
    StrategyConfig,
)
from lockgate.core.config_target import MemberConfig
from lockgate.core.deploy_plan import Place, data, shortest, stages
from lockgate.core.release import Artifact, Release
from lockgate.core.rollout_model import Standing

RELEASE = Release("shop", "1.1", "abc", Artifact.parse("bundle:shop@sha256:" + "0" * 64))
BUDGETS = Budgets()
OLD = Standing("blue-1", RELEASE, verified=True)


def whats(environment, **given):
    return [what for what, _ in stages(environment, BUDGETS, **given)]


def test_everything_the_environment_asks_for_is_told_in_order():
    """Steps, tests and hooks each have their place; what nobody asked for is not told."""
    environment = EnvironmentConfig(
        "production",
        strategy=StrategyConfig(steps=(20, 100)),
        integration=IntegrationConfig(command="check"),
        migration=MigrationConfig(before="up", after="down"),
    )
    assert whats(environment, first=False) == [
        "start the new revision without traffic",
        "judge it beside what serves",
        "run the integration tests: check",
        "run before promotion: up",
        "shift 20 % of the traffic to it",
        "judge it with 20 %",
        "shift 100 % of the traffic to it",
        "judge it with all of the traffic (bake)",
        "run after promotion: down",
        "drain and stop the old revision",
    ]
    assert not any("run" in what or "hold" in what for what in whats(EnvironmentConfig("x"), first=False))


def test_a_first_release_has_no_steps_and_nothing_to_drain():
    """Nobody else serves, so the first shift gives it all; the pauses fall away from the shortest time, too."""
    told = whats(EnvironmentConfig("production"), first=True)
    assert [what for what in told if what.startswith("shift")] == ["shift 100 % of the traffic to it"]
    assert not any("drain" in what for what in told)
    environment = EnvironmentConfig("production")
    assert shortest(environment, BUDGETS, (), first=False) - shortest(environment, BUDGETS, (), first=True) == 2 * 10.0


def test_a_fleet_takes_as_long_as_its_waves_and_their_queues():
    """Two waves, the second of three targets two at a time: three times as long as one target."""
    targets = {name: MemberConfig(port=n) for n, name in enumerate("abcd", 1)}
    environment = EnvironmentConfig("production", targets=targets, concurrency=2)
    waves = (("a",), ("b", "c", "d"))
    assert shortest(environment, BUDGETS, waves, first=False) == 3 * shortest(
        environment, BUDGETS, (("a",),), first=False
    )
    config = Config("shop", build=BuildConfig(), environments={"production": environment})
    told = data(config, environment, RELEASE, waves, [Place("production/a", OLD), Place("production/b", None)])
    assert told["targets"] == [
        {"name": "production/a", "baseline": "1.1", "changes": [], "notes": []},
        {"name": "production/b", "baseline": None, "changes": [], "notes": []},
    ]
    assert "hold until every target is healthy" in [stage["what"] for stage in told["stages"]]
    assert told["waves"] == [["a"], ["b", "c", "d"]]
