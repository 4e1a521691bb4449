"""Who is in which wave, and on which runner."""

from hypothesis import given
from hypothesis import strategies as st

from lockgate.core import fleet_plan
from lockgate.core.config import EnvironmentConfig
from lockgate.core.config_target import MemberConfig

TARGETS = {name: MemberConfig(port=8000 + n) for n, name in enumerate(["eu", "us", "asia", "au"])}


def fleet(**settings):
    return EnvironmentConfig("production", targets=TARGETS, **settings)


def test_without_waves_the_first_target_goes_alone():
    """It is the canary; one that is alone is a wave of its own."""
    assert fleet_plan.waves(fleet()) == (("eu",), ("us", "asia", "au"))
    alone = EnvironmentConfig("production", targets={"eu": MemberConfig()})
    assert fleet_plan.waves(alone) == (("eu",),)


def test_a_part_keeps_the_order_of_the_waves():
    """Waves of which nobody is in the part are left out; the part has a record of its own."""
    environment = fleet(waves=(("eu",), ("us", "asia"), ("au",)))
    part = fleet_plan.waves(environment, ["au", "us"])
    assert part == (("us",), ("au",))
    assert fleet_plan.record_name(environment, part) == "production/us+1"
    assert fleet_plan.record_name(environment, fleet_plan.waves(environment)) == "production"
    assert fleet_plan.is_record_of(environment, "production/us+1")
    assert not fleet_plan.is_record_of(environment, "production/us")
    assert not fleet_plan.is_record_of(environment, "production-2/us+1")


def test_a_member_is_an_environment_of_its_own():
    """Its name is the one in every record; where there is a single target, that is the environment itself."""
    member = fleet_plan.member(fleet(), "us")
    assert (member.name, member.target.port, member.targets) == ("production/us", 8001, {})
    single = EnvironmentConfig("staging")
    assert fleet_plan.members(single) == [single]


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.integers(1, 5))
def test_shards_hold_every_target_once_and_never_two_waves(sizes, size):
    """Nobody is lost, nobody is shipped twice, and no shard is larger than asked for."""
    waves = tuple(tuple(f"t{wave}x{n}" for n in range(count)) for wave, count in enumerate(sizes))
    found = [(shard["wave"], shard["targets"].split(",")) for shard in fleet_plan.shards(waves, size)]
    assert [name for _, names in found for name in names] == [name for wave in waves for name in wave]
    assert all(len(names) <= size and set(names) <= set(waves[wave - 1]) for wave, names in found)
