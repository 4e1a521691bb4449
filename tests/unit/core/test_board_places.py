"""What serves where, put together once: for everybody who sees the same."""

import pytest

from lockgate.core.board.access import made
from lockgate.core.board.places import Places, fitting
from lockgate.core.board.rows import Serving
from lockgate.core.board.viewer import ITSELF, Role


@pytest.mark.parametrize(
    ("services", "rollouts", "found"),
    [
        ("abc", {"a": 4, "b": 5, "c": 1}, "abc"),
        ("abc", {"a": 4, "b": 7, "c": 1}, "a"),
        ("abc", {"a": 40, "b": 0}, "a"),
        ("abc", {"a": 0, "b": 0, "c": 11}, "ab"),
        ("abc", {}, "abc"),
        ("", {}, ""),
    ],
)
def test_a_page_of_metrics_has_what_can_be_counted_at_once(services, rollouts, found):
    """The first ones up to the limit, and always one; who has none costs nothing."""
    assert fitting(services, rollouts, 10) == list(found)


def test_whoever_sees_the_same_has_the_same_eyes():
    """Whatever they are called and may do; the claims that are left are what the policies of the database read."""
    ada, eve = made("ada", Role.OPERATOR, None, "1", "https://id"), made("eve", Role.VIEWER, None, "2", "https://id")
    few = [made(name, Role.VIEWER, frozenset({"till"}), name, "https://id") for name in ("bob", "joe")]
    assert ada.eyes == eve.eyes
    assert few[0].eyes == few[1].eyes
    assert hash(ada.eyes) == hash(eve.eyes)
    assert ada.eyes != few[0].eyes
    assert few[0].eyes.services == {"till"}
    assert few[0].eyes.claims == {"role": "authenticated", "app_metadata": {"lockgate_services": ["till"]}}
    assert not ada.eyes.operates
    assert ITSELF.eyes.claims is None


def test_places_know_what_could_go_on():
    """What an environment has that the next one has not, if it was judged healthy; each place by its name."""

    def serving(environment, version, *, verified=True):
        told = ("r1", "deployed", version, "2026-03-04T12:00:00.000+00:00", "ada")
        return Serving("shop", environment, version, "c" * 40, f"sha256:{version}", verified, *told)

    there = Places.of([serving("production", "1"), serving("staging", "2"), serving("test", "3", verified=False)], [])
    assert [cell.environment for cell in there.rows[0].cells] == ["test", "staging", "production"]
    assert [(service, cell.environment, cell.behind.version) for service, cell in there.ready] == [
        ("shop", "production", "2")
    ]
    assert there.serving["shop"]["staging"].version == "2"
