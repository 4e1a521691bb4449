"""`lockgate validate` as a person or a workflow runs it."""

import json
import os
import subprocess
import sys

import pytest

from tests import forked

GOOD = "service: shop\nbuild: {kind: docker}\nenvironments:\n  production: {approval: required, integration: {command: x}}\n"
BAD = "service: Shop\nbuild: {kind: docker}\ntset: {}\n"


def validate(folder, *arguments, env=None):
    """Run the command in a folder."""
    return forked.run(["validate", *arguments], cwd=folder, env={**os.environ, **(env or {})})


@pytest.fixture
def config(tmp_path):
    """A valid config."""
    path = tmp_path / "lockgate.yml"
    path.write_text(GOOD)
    return path


def test_a_valid_config_is_summed_up(config):
    """The person reads what each environment promises, in words."""
    done = validate(config.parent)
    assert done.returncode == 0
    assert "lockgate.yml is valid: service shop, environments production" in done.stdout
    assert "traffic 10% -> 50% -> 100% with 10s pauses; a bake of 1m, at least 91.8s in all" in done.stdout
    assert "integration tests; a person approves first" in done.stdout
    assert "availability 99.9%" in done.stdout


def test_a_config_without_environments_says_so(config):
    """A service that is not rolled out anywhere yet is still valid."""
    config.write_text("service: shop\nbuild: {kind: docker}\n")
    assert "no environment yet" in validate(config.parent).stdout


def test_the_result_is_there_as_json(config):
    """Programs get one JSON value on standard output and nothing else."""
    done = validate(config.parent, "--json")
    result = json.loads(done.stdout)
    assert (result["decision"], result["reason_code"], result["service"]) == ("passed", "ok", "shop")
    assert result["data"]["budgets"]["deploy"] == "5m"
    assert set(result["data"]["environments"]) == {"production"}


@pytest.mark.parametrize(
    ("text", "code", "reason"),
    [(None, 10, "config_missing"), ("", 11, "config_unreadable"), (BAD, 12, "config_invalid")],
)
def test_each_kind_of_failure_has_its_own_exit_code(config, text, code, reason):
    """Missing, unreadable and invalid are three different endings, in words and as JSON, and never a traceback."""
    config.unlink() if text is None else config.write_text(text)
    plain = validate(config.parent)
    assert plain.returncode == code
    assert "fix: " in plain.stderr
    assert "Traceback" not in plain.stderr
    as_json = validate(config.parent, "--json")
    assert as_json.returncode == code
    assert json.loads(as_json.stdout)["reason_code"] == reason


def test_each_problem_is_a_note_on_its_line_in_github(config, tmp_path):
    """In a workflow, reviewers see each problem where it stands, and the summary has them all."""
    config.write_text(BAD)
    summary = tmp_path / "summary.md"
    done = validate(config.parent, env={"GITHUB_ACTIONS": "true", "GITHUB_STEP_SUMMARY": str(summary)})
    notes = [line for line in done.stdout.splitlines() if line.startswith("::error file=")]
    assert [note.split("::")[1] for note in notes] == [
        "error file=lockgate.yml,line=1,title=lockgate.yml",
        "error file=lockgate.yml,line=3,title=lockgate.yml",
    ]
    assert 'did you mean "test"?' in notes[1]
    assert "has 2 problems" in summary.read_text()


def test_another_file_is_named_relative_to_where_one_stands(config):
    """The place that is printed can be clicked on."""
    config.write_text(BAD)
    other = config.parent / "services"
    other.mkdir()
    config.rename(other / "shop.yml")
    done = validate(config.parent, "--config", "services/shop.yml")
    assert "\n  services/shop.yml:3:1: tset: unknown key" in done.stderr


@pytest.mark.parametrize(
    ("command", "heavy"),
    [
        ("validate", {"h11", "rich", "asyncio", "jsonschema"}),
        ("--help", {"h11", "rich", "asyncio", "jsonschema", "yaml"}),
        (
            "deploy",
            {"h11", "websockets", "azure.identity", "decimal", "jsonschema", "statistics", "tarfile", "zoneinfo"},
        ),
    ],
)
def test_nothing_heavy_is_loaded(config, command, heavy):
    """Checking a good config needs no HTTP client, no table and no library for schemas; a deploy loads what it comes to."""
    code = (
        "import contextlib, sys; from lockgate.cli import main\n"
        f"with contextlib.suppress(SystemExit): main([{command!r}])\n"
        f"sys.exit(' '.join({heavy!r} & set(sys.modules)) or 0)"
    )
    uncounted = {name: value for name, value in os.environ.items() if not name.startswith("COV")}  # it loads them, too
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=config.parent,
        env=uncounted,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_file_that_a_deploy_would_need_is_missed_here(config):
    """Before anything is deployed, and no error yet: a job may write it first."""
    config.write_text(GOOD.replace("integration:", "gate: {ca: own-ca.pem}, integration:"))
    done = validate(config.parent)
    assert done.returncode == 0
    assert "environments.production.gate.ca: no certificates could be read from" in done.stdout + done.stderr


AZURE = "target: {kind: azure-app-service, app: shop}, integration:"


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (("service:", "test: {command: x}\nservice:"), None),
        (("zzz", ""), "test.command is empty, and nothing is shipped untested: say how"),
        (("integration:", "azure: {client: 8a8ab4d3-32f5-4f0d-9c2d-4d3b1f5f1a11}, integration:"),
         "environments.production.azure is for a target on Azure, and its target is local: set target.kind"),
        (("integration:", AZURE), "ledger: sqlite is a file, gone with the job on GitHub's own runners"),
    ],
)  # fmt: skip
def test_what_can_never_ship_is_warned_of(config, changed, words):
    """The config is valid all the same; each warning says what to do, and is in the JSON and on the run's page."""
    config.write_text(GOOD.replace(*changed))
    done = validate(config.parent, "--json", env={"GITHUB_ACTIONS": "true"})
    told = json.loads(done.stdout)["data"]["warnings"]
    assert done.returncode == 0
    assert any(one.startswith(words) for one in told) if words else told == []
    assert done.stderr.count("::warning ") == len(told)


@pytest.mark.parametrize(("bake", "warned"), [("50m", False), ("1h", True)])
def test_a_rollout_that_outlasts_its_job_is_warned_of(config, bake, warned):
    """GitHub would end it in its bake, each time, and a healthy release would go back."""
    text = GOOD.replace("integration:", f"gate: {{bake: {bake}}}, integration:")
    config.write_text(f"budgets: {{deploy: 3h}}\n{text}")
    done = validate(config.parent, "--json")
    assert done.returncode == 0, done.stdout
    words = "environments.production.gate and strategy take at least "
    told = json.loads(done.stdout)["data"]["warnings"]
    assert any(one.startswith(words) for one in told) == warned, told


@pytest.mark.parametrize("ledger", ["ledger: github", "ledger: {kind: postgres}"])
def test_a_ledger_that_outlives_the_runner_is_no_reason_to_warn(config, ledger):
    """Nor is a file at a place that was chosen."""
    config.write_text(f"{ledger}\n" + GOOD.replace("integration:", AZURE))
    assert "ledger" not in str(json.loads(validate(config.parent, "--json").stdout)["data"]["warnings"])
    config.write_text(GOOD.replace("integration:", AZURE))
    done = validate(config.parent, "--json", env={"LOCKGATE_STATE_DIR": "/srv/lockgate"})
    assert "ledger" not in str(json.loads(done.stdout)["data"]["warnings"])


def test_a_workflow_that_still_calls_owner_is_named(config):
    """GitHub would find no such workflow, and run nothing at all."""
    workflow = config.parent / ".github" / "workflows" / "deploy.yml"
    workflow.parent.mkdir(parents=True)
    workflow.write_text("jobs:\n  a:\n    uses: OWNER/lockgate/.github/workflows/pipeline.yml@v1\n")
    assert ".github/workflows/deploy.yml calls OWNER/...: write the owner" in validate(config.parent).stdout
    workflow.write_text(workflow.read_text().replace("OWNER", "octocat"))
    assert "OWNER" not in validate(config.parent).stdout


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("{kind: local, port: 8123}", "local on port 8123"),
        ("{kind: azure-app-service, app: shop}", "azure-app-service shop"),
    ],
)
def test_each_environment_says_where_it_is(config, target, words):
    """A port where there is one, the app's name on Azure."""
    config.write_text(GOOD.replace("integration:", f"target: {target}, integration:"))
    done = validate(config.parent)
    assert done.returncode == 0, done.stderr
    assert f"production: {words}; traffic" in done.stdout


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        ("{}", "1% of the time, while errors are independent or come in bursts of up to about 500ms;"),
        (
            "{alpha: 0.5%, minimum_span: 10s}",
            "0.5% of the time, while errors are independent or come in bursts of up to about 2.5s;",
        ),
        ("{minimum_span: 0s}", "1% of the time, while errors are independent;"),
    ],
)
def test_the_promise_of_the_gate_says_for_which_errors_it_holds(config, gate, words):
    """A longer span forgives longer bursts; without one, none."""
    config.write_text(GOOD.replace("integration:", f"gate: {gate}, integration:"))
    done = validate(config.parent)
    assert done.returncode == 0, done.stderr
    assert f"a healthy release fails at most {words}" in done.stdout
