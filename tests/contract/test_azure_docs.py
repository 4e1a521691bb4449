"""docs/azure.md and its Bicep say what the code does: configs that load, roles that cover what is asked."""

import json
import re
import tomllib
from pathlib import Path

from lockgate.adapters.config_file import load
from lockgate.core.sign_in import expression

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def test_the_config_shown_loads(tmp_path):
    """As it stands, with a service's name."""
    (block,) = (one for one in blocks("yaml") if one.startswith("build:"))
    (tmp_path / "lockgate.yml").write_text(f"service: shop\n{block}")
    config = load(tmp_path / "lockgate.yml")
    production = config.environments["production"].azure.within(config.azure)
    assert production.client != config.azure.client
    assert production.resource_group != config.azure.resource_group


def test_the_custom_role_covers_every_call_of_a_build():
    """And nothing that could change the registry itself."""
    (block,) = blocks("json")
    actions = json.loads(block)["Actions"]
    short = {action.removeprefix("Microsoft.ContainerRegistry/registries/") for action in actions}
    called = {"listBuildSourceUploadUrl/action", "scheduleRun/action", "runs/read", "runs/listLogSasUrl/action", "read"}
    assert short == called | {"pull/read"}
    source = "".join(path.read_text() for path in (ROOT / "scripts" / "lockgate" / "adapters" / "azure").glob("*.py"))
    for call in ("listBuildSourceUploadUrl", "scheduleRun", "listLogSasUrl"):
        assert call in source


def test_the_flexible_credential_is_the_one_that_a_mismatch_prints():
    """Whoever copies either has the same form."""
    (body,) = re.findall(r"<<'END'\n(.*?)^END", DOCS, re.MULTILINE | re.DOTALL)
    credential = json.loads(body)
    workflow = "LOCKGATE_OWNER/lockgate/.github/workflows/deploy.yml@COMMIT"
    claims = {"sub": "repo:OWNER/REPOSITORY:environment:production", "job_workflow_ref": workflow}
    assert credential["claimsMatchingExpression"]["value"] == expression(claims)
    assert (credential["issuer"], credential["audiences"]) == (ISSUER, [AUDIENCE])


def test_the_preview_of_the_registrys_builds_is_pinned_and_known_by_one_file():
    """What may break with its next version is behind one adapter, and comes when we choose."""
    pins = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]["azure"]
    assert [pin for pin in pins if "tasks" in pin] == ["azure-mgmt-containerregistrytasks==1.0.0b1"]
    package = ROOT / "scripts" / "lockgate"
    users = {path.name for path in package.rglob("*.py") if "azure.mgmt.containerregistrytasks" in path.read_text()}
    assert users == {"registry.py"}
