"""action.yml and the one module that reads inputs and writes outputs agree; and nothing else touches them."""

import re
from pathlib import Path

import pytest
import yaml

from lockgate.adapters.runner import INPUTS, OUTPUTS
from lockgate.usage import COMMANDS

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
RUN = ACTION["runs"]["steps"][-1]


def test_the_inputs_are_the_runners():
    """Everything a command may take from the environment is an input, and there is no other but the command."""
    assert set(ACTION["inputs"]) == {*INPUTS, "command"}


def test_the_outputs_are_the_runners():
    """Everything that is written is an output, taken from the step that runs Lockgate."""
    assert set(ACTION["outputs"]) == set(OUTPUTS)
    for name, output in ACTION["outputs"].items():
        assert output["value"] == f"${{{{ steps.{RUN['id']}.outputs.{name} }}}}"


def test_every_input_reaches_its_variable():
    """An input that is declared and not handed on would be silently ignored."""
    for name in ACTION["inputs"]:
        variable = "LOCKGATE_" + name.upper().replace("-", "_")
        # The state directory goes through the script, because the runner's own variable of that name wins.
        variable += "_INPUT" * (name == "state-dir")
        if name == "github-token":
            assert "inputs.github-token" in RUN["env"][variable]
            continue
        assert RUN["env"][variable] == f"${{{{ inputs.{name} }}}}"


def test_the_commands_it_names_exist():
    """The description of `command` offers commands that there are."""
    named = re.findall(r"\w+", ACTION["inputs"]["command"]["description"].partition(" - ")[2])
    assert set(named) - {"or"} <= set(COMMANDS)


@pytest.mark.parametrize("path", sorted((ROOT / "scripts").rglob("*.py")), ids=lambda path: path.name)
def test_one_module_speaks_with_github(path):
    """No other file knows the runner's variables."""
    if path.name != "runner.py":
        assert re.search(r"""["']GITHUB_""", path.read_text(encoding="utf-8")) is None
