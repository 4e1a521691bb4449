"""The Bicep templates: their syntax, their names, and that they grant what docs/azure.md says, and nothing else.

No compiler is at hand, so what it would refuse first is looked for here: what does not parse, a name that is declared
nowhere or used nowhere, an assignment whose name and role differ.
"""

import base64
import json
import re
from functools import cache
from pathlib import Path

import pycep
import pytest

from lockgate.core.sign_in import AUDIENCE, expression, subjects
from tests.standins.azure.identity import ISSUER

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
FILES = {path.stem: path for path in sorted((ROOT / "examples" / "azure").glob("*.bicep"))}
BUILT_IN = {
    "acdd72a7-3385-48ef-bd42-f606fba81ae7": "Reader",
    "7f951dda-4ed3-4680-a7ca-43fe172d538d": "AcrPull",
    "8311e382-0749-4cb8-b61a-304f252e45ec": "AcrPush",
    "de139f84-1756-47ae-9be6-808fbbe84772": "Website Contributor",
    "358470bc-b998-42bd-ab17-a7e34c199c0f": "Container Apps Contributor",
    "4633458b-17de-408a-b874-0445c86b69e6": "Key Vault Secrets User",
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa": "Monitoring Contributor",
}
"""learn.microsoft.com/azure/role-based-access-control/built-in-roles"""
SCOPES = {
    "Microsoft.ContainerRegistry/registries": "the registry",
    "Microsoft.Web/sites": "the web app",
    "Microsoft.App/containerApps": "the container app",
    "Microsoft.KeyVault/vaults": "the vault",
    "Microsoft.Insights/components": "the Application Insights resource",
    ("registry", ""): "the registry's resource group",
    ("app-service", ""): "the environment's resource group",
}
ASSIGNMENT, DEFINITION = ("Microsoft.Authorization/roleAssignments", "Microsoft.Authorization/roleDefinitions")


PARSER = pycep.BicepParser()


@cache
def parsed(name):
    return PARSER.parse(text=FILES[name].read_text(encoding="utf-8"))


def body(resource):
    """What stands in the braces, behind a condition or a loop."""
    config = resource["config"]
    while "config" in config or "detail" in config or "loop_type" in config:
        config = config.get("config") or config.get("detail") or config["loop_type"]["detail"]
    return config


def accessed(node):
    """Every `a.b` in a part of a template, as (a, b); of `a.b.c`, that is (a, b)."""
    if isinstance(node, list):
        return [pair for one in node for pair in accessed(one)]
    if not isinstance(node, dict):
        return []
    operator = node.get("operator")
    if isinstance(operator, dict) and operator["type"] == "property_accessor":
        owner, property_ = operator["operands"]["operand_1"], operator["operands"]["operand_2"]
        return [(owner, property_)] if isinstance(owner, str) else accessed(owner)
    return [pair for one in node.values() for pair in accessed(one)]


def assignments(name):
    """Each role assignment of a template: (role, scope), and the roles that its name is made of."""
    document = parsed(name)
    resources, roles = document["resources"], document["variables"]["roles"]["value"]
    for resource in resources.values():
        if resource["type"] != ASSIGNMENT:
            continue
        config = body(resource)
        definition = config["properties"]["roleDefinitionId"]
        named = [role for owner, role in accessed(config["name"]) if owner == "roles"]
        if "function" in definition:
            assert definition["function"]["parameters"]["resource_type"] == DEFINITION
            ((_, role),) = accessed(definition)
            assert named == [role], "the name of an assignment tells its role"
            role = BUILT_IN[roles[role]]
        else:
            ((definer, _),) = accessed(definition)
            role = body(resources[definer])["properties"]["roleName"].partition(" ${")[0]
            assert named == []
        assert config["properties"]["principalType"] == "ServicePrincipal"
        scope = config.get("scope")
        yield role, SCOPES[resources[scope]["type"] if scope else (name, "")]


@pytest.mark.parametrize("name", FILES)
def test_a_template_parses_and_every_name_is_declared_once_and_used(name):
    """A typo in a parameter, a resource or a role is seen before anybody deploys it."""
    document = parsed(name)
    declared = {
        name: node
        for kind in ("parameters", "variables", "resources", "outputs")
        for name, node in document.get(kind, {}).items()
    }
    text = re.sub(r"//.*", "", FILES[name].read_text(encoding="utf-8"))
    used = re.sub(r"'[^'\n]*'", lambda quoted: " ".join(re.findall(r"\$\{.*?\}", quoted[0])), text)
    for one in [*document.get("parameters", {}), *document.get("variables", {})]:
        assert len(re.findall(rf"\b{one}\b", used)) > 1, one
    for owner, property_ in accessed(document):
        assert owner in declared, f"{owner}.{property_}"
        if owner == "roles":
            assert property_ in document["variables"]["roles"]["value"]
    loops = set(re.findall(r"\[for (\w+) in \w+:", text))
    words = set(
        re.findall(
            r"(?<![.\w'])([a-z]\w*)\b(?!\s*[:(.'])",
            re.sub(r"@description.*", "", used),
        )
    )
    keywords = {
        "targetScope",
        "true",
        "false",
        "param",
        "string",
        "bool",
        "array",
        "resource",
        "existing",
        "if",
        "for",
        "in",
        "output",
        "var",
    }
    assert words - keywords - set(declared) - loops == set()


@pytest.mark.parametrize("name", [name for name in FILES if name != "identity"])
def test_only_known_roles_are_granted_and_each_one_that_is_named(name):
    """By Microsoft's ids: one that is mistyped would grant something else, or nothing."""
    roles = parsed(name)["variables"]["roles"]["value"]
    for short, identifier in roles.items():
        assert BUILT_IN[identifier].replace(" ", "").lower() == short.lower()
    granted = [role for role, _ in assignments(name)]
    assert {BUILT_IN[identifier] for identifier in roles.values()} <= set(granted)


def test_the_templates_grant_what_the_page_says_and_nothing_else():
    """Each row of the table is an assignment, each assignment a row."""
    section = DOCS.partition("\n## 2. ")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| [^|]+ \| ([^|]+?)(?: \(below\))? \| ([^|]+) \| [^|]+ \|$", section, re.MULTILINE)
    table = {(role, scope) for role, scope in rows if role not in {"role", "---"}}
    granted = {pair for name in FILES if name != "identity" for pair in assignments(name)}
    assert granted == table


def test_the_custom_roles_are_those_on_the_page():
    """Name by name and action by action."""
    blocks = re.findall(r"^```json\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)
    on_page = {one["Name"]: one for one in map(json.loads, blocks)}
    resources = [resource for name in FILES for resource in parsed(name)["resources"].values()]
    defined = [body(one)["properties"] for one in resources if one["type"] == DEFINITION]
    assert {one["roleName"].partition(" ${")[0] for one in defined} == set(on_page)
    for one in defined:
        (permission,) = one["permissions"]
        shown = on_page[one["roleName"].partition(" ${")[0]]
        assert (permission["actions"], one["description"]) == (shown["Actions"], shown["Description"])


def test_the_flexible_credential_is_the_one_that_a_mismatch_prints():
    """By the same expression; and where it is asked for, the plain one is not made beside it."""
    text = FILES["identity"].read_text(encoding="utf-8")
    (form, arguments) = re.search(r"value: format\('([^']*)', (.*)\)$", text, re.MULTILINE).groups()
    assert arguments == "quote, 'repo:${repository}:${jobContext}', workflow"
    claims = {"sub": "repo:octo-org/storefront:environment:production", "job_workflow_ref": "octo/lockgate/x.yml@c"}
    assert base64.b64decode(re.search(r"var quote = base64ToString\('(.*)'\)", text)[1]) == b"'"
    assert form.format("'", *claims.values()) == expression(claims)
    properties = body(parsed("identity")["resources"]["flexible"])["properties"]
    assert (properties["issuer"], properties["audiences"]) == (ISSUER, [AUDIENCE])
    assert "subject" not in properties, "Azure takes one or the other"
    conditions = re.findall(r"^resource (\w+) .* = if \((.*)\) \{$", text, re.MULTILINE)
    assert dict(conditions) == {"trust": "empty(workflow)", "flexible": "!empty(workflow)"}


@pytest.mark.parametrize("form", [0, 1], ids=["by names", "with immutable ids"])
def test_the_credential_trusts_the_subject_that_a_job_presents(form):
    """In both of GitHub's forms, with the issuer and the audience that the sign-in uses."""
    properties = body(parsed("identity")["resources"]["trust"])["properties"]
    claims = {
        "repository": "octo-org/storefront",
        "repository_owner_id": "65",
        "repository_id": "74",
        "sub": "repo:octo-org/storefront:environment:production",
    }
    given = {"repository": ("octo-org/storefront", "octo-org@65/storefront@74")[form], "environmentName": "production"}
    context = parsed("identity")["parameters"]["jobContext"]["default"]
    given["jobContext"] = re.sub(r"\$\{(\w+)\}", lambda name: given[name[1]], context)
    subject = re.sub(r"\$\{(\w+)\}", lambda name: given[name[1]], properties["subject"])
    assert subject == subjects(claims)[form]
    assert (properties["issuer"], properties["audiences"]) == (ISSUER, [AUDIENCE])
    assert f"--issuer {ISSUER}" in DOCS
    assert f"--audiences {AUDIENCE} --subject repo:$repository:environment:$environment" in DOCS
