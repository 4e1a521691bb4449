"""The commands of docs/azure.md can be run in their order: every name is set, every role and parameter is there."""

import re
import subprocess

from tests.contract.test_azure_bicep import DOCS, FILES, parsed

SECTIONS = DOCS.partition("\n## 1. ")[2].partition("\n## 3. ")[0]
BLOCKS = re.findall(r"^```sh\n(.*?)^```", SECTIONS, re.MULTILINE | re.DOTALL)
IDENTITIES = {
    "builder": "`lockgate-build`",
    "principal": "`lockgate-<environment>`",
    "site": "the app and its slot",
    "slot": "the app and its slot",
}
SCOPES = {
    "registry": {"the registry"},
    "own": {"the registry"},
    "registry_group": {"the registry's resource group"},
    "environment_group": {"the environment's resource group", "the registry's resource group"},
    "app": {"the web app", "the container app"},
    "vault": {"the vault"},
    "insights": {"the Application Insights resource"},
}


def test_every_name_is_set_before_it_is_used():
    """By a line above: pasted in their order, none is empty. And bash reads each block."""
    known = {"1", "2", "3"}
    for block in BLOCKS:
        done = subprocess.run(["bash", "-n"], input=block, capture_output=True, text=True, check=False)
        assert (done.returncode, done.stderr) == (0, ""), block
        for line in block.splitlines():
            known |= set(re.findall(r"\bfor (\w+) in", line))
            assert set(re.findall(r"\$(\w+)", line)) <= known, line
            known |= set(re.findall(r"^ *(\w+)=", line))


def test_what_is_asked_of_azure_comes_as_plain_text():
    """What a name is set to is one value, not a JSON document."""
    commands = "\n".join(BLOCKS).replace("\\\n", " ")
    asked = re.findall(r"\$\((az [^)]*)\)", commands)
    assert len(asked) > 10
    assert [one for one in asked if not re.search(r" --query \S+ +--output tsv$", one)] == []


def test_the_commands_grant_each_row_of_the_table_and_nothing_else():
    """Whose identity, which role, at which scope."""
    found = re.findall(r"^\| ([^|]+) \| ([^|]+?)(?: \(below\))? \| ([^|]+) \| [^|]+ \|$", SECTIONS, re.MULTILINE)
    rows = {row for row in found if row[1] not in {"role", "---"}}
    granted = re.findall(r"^grant \$(\w+) \"?([^\"$]+?)\"? \$(\w+)", "\n".join(BLOCKS), re.MULTILINE)
    given = {(IDENTITIES[who], role, scope) for who, role, where in granted for scope in SCOPES[where]} & rows
    assert len(granted) >= len(rows)
    assert given == rows
    for who, role, where in granted:
        assert any((IDENTITIES[who], role, scope) in rows for scope in SCOPES[where]), (who, role, where)


def test_the_templates_get_the_parameters_that_they_have():
    """Each that has no default is given, none is made up, and outputs that are read are there."""
    commands = "\n".join(BLOCKS).replace("\\\n", " ")
    calls = re.findall(r"--template-file (\S+)\.bicep +--parameters (.*)", commands)
    assert {name for name, _ in calls} == set(FILES)
    for name, given in calls:
        declared = parsed(name)["parameters"]
        words = set(re.findall(r"\b(\w+)=", given))
        assert words <= set(declared), (name, given)
        assert {one for one, node in declared.items() if "default" not in node} <= words
        assert set(re.findall(r"properties\.outputs\.(\w+)\.value", given)) <= set(parsed(name).get("outputs", {}))


def test_whoever_pulls_is_told_to_the_registry():
    """The environment's identity, the app's and its slot's."""
    (line,) = (line for line in "\n".join(BLOCKS).splitlines() if line.startswith("pullers="))
    done = subprocess.run(
        ["bash", "-c", f'principal=p site=s slot=s\n{line}\necho "[$pullers]"'],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == '["p","s"]\n'
