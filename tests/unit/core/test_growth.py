"""What a build weighs beside what runs."""

import pytest

from lockgate.core.growth import changed, table


def build(size, **parts):
    return {"size": size, "parts": [{"name": name, "size": part} for name, part in parts.items()]}


@pytest.mark.parametrize(
    ("now", "before", "said"),
    [
        (12_000_000, 10_000_000, "+2.0 MB"),
        (10_000_000, 12_000_000, "-2.0 MB"),
        (10_000_001, 10_000_000, "as before"),
        (10_000_000, None, ""),
    ],
)
def test_a_change_is_said_in_words(now, before, said):
    """A few bytes are nobody's concern."""
    assert changed(now, before) == said


def test_each_part_is_held_against_the_one_of_its_name():
    """What grew, what is new, what is gone; two parts of a name count together."""
    before = build(60_000_000, pip=20_000_000, base=40_000_000, old=5_000_000)
    now = build(90_000_000, pip=45_000_000, base=40_000_000, data=5_000_000)
    lines = table(now, before).splitlines()
    assert "| in all | 90.0 MB | \\+30.0 MB |" in [line.replace("+", "\\+") for line in lines]
    text = "\n".join(lines)
    assert "| `pip` | 45.0 MB | +25.0 MB |" in text
    assert "| `base` | 40.0 MB | as before |" in text
    assert "| `data` | 5.0 MB | new among the largest |" in text
    assert "| `old` |  | no longer among the largest; was 5.0 MB |" in text
    twice = {"size": 2, "parts": [{"name": "a", "size": 1_000_000}, {"name": "a", "size": 2_000_000}]}
    assert "| `a` | 3.0 MB |" in table(twice, None)


def test_a_first_build_is_compared_with_nothing():
    """And says no word about it; a name with a backtick or a bar stays one cell."""
    text = table(build(1_000_000, **{"RUN a | b `c`": 1_000_000}), None)
    assert "new" not in text
    assert "1.0 MB" in text
    assert all(line.replace("\\|", "").count("|") == 4 for line in text.splitlines())
