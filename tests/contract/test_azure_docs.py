"""docs/azure.md and its Bicep say what the code does: configs that load, roles that cover what is asked."""

import json
import re
import tomllib
from pathlib import Path

import yaml

from lockgate.adapters.config_file import load
from lockgate.core import caller_workflow
from lockgate.core.sign_in import expression
from tests import forked

ROOT = Path(__file__).parents[2]
DOCS = (ROOT / "docs" / "azure.md").read_text(encoding="utf-8")
ISSUER = "https://token.actions.githubusercontent.com"
AUDIENCE = "api://AzureADTokenExchange"


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```", DOCS, re.MULTILINE | re.DOTALL)


def test_the_config_shown_is_whole_and_is_what_the_page_says_it_is(tmp_path):
    """As it stands: on Azure, built there, first to staging, then to production, where somebody is asked."""
    (block,) = (one for one in blocks("yaml") if one.startswith("service:"))
    (tmp_path / "lockgate.yml").write_text(block, encoding="utf-8")
    told = forked.run(["validate"], cwd=tmp_path, env={"HOME": str(tmp_path)})
    assert told.returncode == 0, told.stderr
    assert "staging: azure-container-apps shop;" in told.stdout
    assert re.search(r"production: azure-container-apps shop;.*; a person approves first", told.stdout)
    config = load(tmp_path / "lockgate.yml")
    assert (config.build.kind, config.build.registry, config.ledger.kind) == (
        "acr",
        "shopregistry.azurecr.io",
        "github",
    )
    assert list(config.environments) == ["staging", "production"]
    assert [one.approval for one in config.environments.values()] == ["none", "required"]
    signed_in = [config.azure, *(one.azure.within(config.azure) for one in config.environments.values())]
    assert [one.resource_group for one in signed_in] == ["shop-build", "shop-staging", "shop-production"]
    assert len({one.client for one in signed_in}) == 3
    vaults = [one.azure.key_vault for one in config.environments.values()]
    assert vaults == [f"https://shop-{name}.vault.azure.net" for name in config.environments]


def test_one_environment_alone_is_the_pipelines_first():
    """The inputs that the page names are the workflow's, and without a second environment that job does not run."""
    pipeline = yaml.safe_load((ROOT / ".github" / "workflows" / "pipeline.yml").read_text(encoding="utf-8"))
    (shown,) = (yaml.safe_load(one) for one in blocks("yaml") if "staging: production" in one)
    assert shown == {"with": {"acr": True, "staging": "production", "production": ""}}
    assert set(shown["with"]) <= set(pipeline[True]["workflow_call"]["inputs"])  # YAML 1.1 reads `on` so
    jobs = pipeline["jobs"]
    assert jobs["production"]["if"] == "inputs.production != ''"
    assert jobs["staging"]["with"]["environment"] == "${{ inputs.staging }}"
    assert jobs["staging"]["with"]["brief"] is False


def test_with_the_ledger_shown_both_workflows_need_to_write(tmp_path):
    """As the page says; those of the sample, whose ledger is another, lack nothing else."""
    assert "`contents: write` in place of `contents: read` in both workflows" in DOCS
    (block,) = (one for one in blocks("yaml") if one.startswith("service:"))
    (tmp_path / "lockgate.yml").write_text(block, encoding="utf-8")
    config = load(tmp_path / "lockgate.yml")
    for name in ("deploy.yml", "rollback.yml"):
        text = (ROOT / "examples" / "storefront" / ".github" / "workflows" / name).read_text(encoding="utf-8")
        (check,) = caller_workflow.examine(name, yaml.safe_load(text), config)
        assert "does not grant contents: write" in check.text
        assert check.ok is False
        (check,) = caller_workflow.examine(
            name, yaml.safe_load(text.replace("contents: read", "contents: write")), config
        )
        assert check.ok is True


def roles():
    """Give the actions of each role that the page has made, by the role's name."""
    made = [json.loads(block) for block in blocks("json")]
    return {one["Name"]: one["Actions"] for one in made}


def test_the_custom_role_covers_every_call_of_a_build():
    """And nothing that could change the registry itself."""
    actions = roles()["Lockgate registry build"]
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
