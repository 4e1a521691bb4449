"""Configs that must pass and configs that must not, each a file: see tests/fixtures/config."""

from copy import deepcopy
from pathlib import Path

import pytest

from lockgate.adapters import schema_errors
from lockgate.adapters.config_file import load, schema
from lockgate.adapters.yaml_positions import read
from lockgate.core.config_parse import parse, without
from lockgate.core.config_rules import check
from lockgate.errors import ConfigInvalidError

FIXTURES = Path(__file__).parents[1] / "fixtures" / "config"
VALID = sorted((FIXTURES / "valid").glob("*.yml"))
INVALID = sorted((FIXTURES / "invalid").glob("*.yml"))


def remarks(path, kind):
    """What the leading comments say: `# expect: words` and `# never: words`."""
    lines = path.read_text().splitlines()
    return [line.removeprefix(f"# {kind}: ") for line in lines if line.startswith(f"# {kind}: ")]


def name_of(path):
    return path.stem


@pytest.mark.parametrize("path", VALID, ids=name_of)
def test_a_valid_config_loads(path):
    """A file in valid/ has no problem."""
    assert load(path).service


@pytest.mark.parametrize("path", INVALID, ids=name_of)
def test_an_invalid_config_is_told_as_its_comment_says(path):
    """A file in invalid/ has one `# expect:` for each of its problems, whose words (parted by ...) it must tell."""
    with pytest.raises(ConfigInvalidError) as caught:
        load(path)
    told = str(caught.value)
    expected = remarks(path, "expect")
    assert len(caught.value.problems) == len(expected)
    for words in expected:
        assert any(all(part in line for part in words.split(" ... ")) for line in told.splitlines()), words
    for words in remarks(path, "never"):
        assert words not in told


def keys(node, at=()):
    """Every key of a document, by its path."""
    for key, value in node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ():
        yield from ([(*at, key)] if isinstance(node, dict) else [])
        yield from keys(value, (*at, key))


@pytest.mark.uncounted
@pytest.mark.parametrize("name", ["everything", "ledger"])
def test_a_key_misspelt_anywhere_is_told_and_the_rest_is_judged(name):
    """Whatever key a typing mistake hides, required ones too, every other rule is still held against the file."""
    document = read((FIXTURES / "valid" / f"{name}.yml").read_text()).document
    named_by_the_user = {"environments", "secrets", "json", "headers"}
    for path in keys(document):
        wrong = deepcopy(document)
        place = wrong
        for part in path[:-1]:
            place = place[part]
        place[f"{path[-1]}x"] = place.pop(path[-1])
        problems = list(schema_errors.check(wrong, schema()))
        problems += check(parse(without(wrong, [problem.path for problem in problems])))
        assert problems or path[-2] in named_by_the_user, path


def test_all_problems_come_at_once_and_in_order(tmp_path):
    """Shape, rules, duplicate keys and secrets are told together, sorted by place, with their number."""
    token = "ghp_" + "a1B2" * 9
    config = tmp_path / "lockgate.yml"
    config.write_text(
        "service: Shop\n"
        "build: {kind: bundle}\n"
        "tset: {}\n"
        f"# {token}\n"
        "environments:\n"
        "  staging: {strategy: {steps: [50]}, gate: {bake: soon}}\n"
        "budgets: {deploy: 1s}\n"
        "budgets: {}\n"
    )
    with pytest.raises(ConfigInvalidError) as caught:
        load(config)
    assert [(one.line, one.path) for one in caught.value.problems] == [
        (1, "service"),
        (2, "build.bundle.start"),
        (3, "tset"),
        (4, "the file"),
        (6, "environments.staging.strategy.steps"),
        (6, "environments.staging.gate.bake"),
        (8, "budgets"),
    ]
    assert "has 7 problems:" in str(caught.value)
    assert token not in str(caught.value)


def test_an_echo_of_a_problem_is_not_told(tmp_path):
    """A rule is not applied to a value that is wrong itself, or whose key was misspelt."""
    config = tmp_path / "lockgate.yml"
    config.write_text(
        "service: s\nbuild: {kind: bundle, bundle: {strat: x}}\nbudgets: {deploy: 1 second}\nenvironments: {a: {}}\n"
    )
    with pytest.raises(ConfigInvalidError) as caught:
        load(config)
    assert [one.path for one in caught.value.problems] == ["build.bundle.strat", "budgets.deploy"]


def test_a_secret_is_not_echoed_by_another_message(tmp_path):
    """A token in a key, in a wrong value, or used as a name never reaches the terminal."""
    token = "ghp_" + "a1B2" * 9
    config = tmp_path / "lockgate.yml"
    config.write_text(
        f"service: {token}\n{token}: 1\nbuild: {{kind: {token}, port: 'x {token}'}}\nenvironments: {{{token}: {{}}}}\n"
    )
    with pytest.raises(ConfigInvalidError) as caught:
        load(config)
    assert token not in str(caught.value)
    assert token not in repr(caught.value.problems)
    assert str(caught.value).count("looks like a GitHub token") == 5


def test_a_flood_of_problems_is_cut_with_their_number(tmp_path):
    """Nobody reads a thousand lines: the first fifty are told, and how many more there are."""
    config = tmp_path / "lockgate.yml"
    config.write_text("service: s\nbuild: {kind: docker}\n" + "".join(f"key{number}: 1\n" for number in range(1000)))
    with pytest.raises(ConfigInvalidError, match="has 1000 problems") as caught:
        load(config)
    assert "... and 950 more" in str(caught.value)
    assert len(str(caught.value).splitlines()) < 60


def test_text_from_the_file_cannot_move_the_cursor_or_command_the_runner(tmp_path):
    """What is quoted from the file is made harmless and short."""
    config = tmp_path / "lockgate.yml"
    config.write_text(
        'service: "\\e[2J##[error]x\\n::error::y"\nbuild: {kind: docker}\n"\\r::warning::z": 1\n'
        f"ledger: {'x' * 999}\n"
    )
    with pytest.raises(ConfigInvalidError) as caught:
        load(config)
    told = str(caught.value)
    assert "\x1b" not in told
    assert "\r" not in told
    assert "##[" not in told
    assert not any(line.lstrip().startswith("::") for line in told.splitlines())
    assert "(939 more characters)" in told
