"""The rules that every workflow of this repository keeps (design, section 8), and the files that must agree."""

import os
import re
import subprocess
from pathlib import Path

import pytest
import yaml

from lockgate.adapters import handover
from lockgate.adapters.trivy import FORMATS

ROOT = Path(__file__).parents[2]
OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
SAMPLES = sorted((ROOT / "examples" / "storefront" / ".github" / "workflows").glob("*.yml"))
PUBLIC = {"pipeline.yml", "test.yml", "scan.yml", "build.yml", "deploy.yml", "rollback.yml", "rescan.yml"}
PIN = re.compile(r"((?:actions|github/codeql-action)/[\w-]+)@([0-9a-f]{40}) # v\d+\.\d+\.\d+")


def name(path):
    return str(path.relative_to(ROOT))


def load(path):
    # BaseLoader keeps `on` a word; YAML 1.1 would make it True.
    return yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes only strings


def steps(path):
    document = load(path)
    if "runs" in document:
        return document["runs"]["steps"]
    return [step for job in document["jobs"].values() for step in job.get("steps", [])]


def references(path):
    return re.findall(r"\buses: (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)


def granted(permissions):
    order = ["none", "read", "write"]
    return {scope: order.index(level) for scope, level in (permissions or {}).items()}


@pytest.mark.parametrize("path", [ROOT / "action.yml", *OURS], ids=name)
def test_no_expression_stands_in_a_script(path):
    """A value that GitHub pastes into a script can be code; values enter as environment variables."""
    assert [step["run"] for step in steps(path) if "${{" in step.get("run", "")] == []


@pytest.mark.parametrize("path", [ROOT / "action.yml", *OURS], ids=name)
def test_everything_external_is_pinned(path):
    """What is used is this repository by `$/`, or an action of GitHub's own by its SHA with the version beside it."""
    for reference in references(path):
        assert reference.startswith("$/") or PIN.fullmatch(reference), reference


def test_an_action_has_one_pin():
    """Two pins of one action would mean that somebody forgot a file."""
    pins = {found for path in OURS for reference in references(path) for found in PIN.findall(reference)}
    assert len({action for action, _ in pins}) == len(pins)


@pytest.mark.parametrize("path", OURS, ids=name)
def test_references_to_this_repository_are_files(path):
    """`$/.github/workflows/x.yml` is there, and so is action.yml for `$/`."""
    for reference in references(path):
        if reference.startswith("$/"):
            assert (ROOT / (reference.removeprefix("$/") or "action.yml")).is_file(), reference


INHERITING = {
    "deploy.yml": {"brief", "deploy"},
    "rollback.yml": {"brief", "rollback"},
    "build.yml": {"build-acr", "attest"},
    "scan.yml": {"attest"},
    "rescan.yml": {"bring"},
    "pipeline.yml": {"build", "scan-artifact", "staging", "production"},
}
"""The jobs that have what their caller granted: they build, sign, roll out or pull a release; no pull request reaches them."""


@pytest.mark.parametrize("path", [*OURS, *SAMPLES], ids=name)
def test_permissions_are_given_job_by_job(path):
    """The top grants nothing, and every job says what it needs; but those that build and deploy take what the caller grants.

    A called workflow that asked for more than it is granted would fail before it starts, without a log. And one whose
    top said `{}` would grant its inheriting jobs nothing.
    """
    document = load(path)
    inheriting = INHERITING.get(path.name, set()) if path in OURS else set()
    assert {job for job, body in document["jobs"].items() if "permissions" not in body} == inheriting
    if inheriting:
        assert "permissions" not in document
        assert list(document["on"]) == ["workflow_call"]
    else:
        assert document["permissions"] == {}


@pytest.mark.parametrize("path", [path for path in OURS if path.name in PUBLIC], ids=name)
def test_jobs_that_run_a_strangers_code_can_write_nothing(path):
    """Whatever a public workflow asks for itself is `contents: read`: it works for every caller, and for forks."""
    for job in load(path)["jobs"].values():
        assert job.get("permissions", {"contents": "read"}) == {"contents": "read"}


def test_a_strangers_build_never_has_more_than_the_checkout():
    """What runs a Dockerfile or a bundle's command asks for `contents: read`; the job that signs in builds in the registry only.

    Which of them runs is said in the workflow, so that a change of lockgate.yml alone gets nobody a token.
    """
    document = load(ROOT / ".github" / "workflows" / "build.yml")
    jobs = document["jobs"]
    assert jobs["build"]["permissions"] == {"contents": "read"}
    assert (jobs["build"]["if"], jobs["build-acr"]["if"]) == ("${{ !inputs.acr }}", "inputs.acr")
    (step,) = [step for step in jobs["build-acr"]["steps"] if step.get("id") == "lockgate"]
    assert step["with"]["kind"] == "acr"
    assert document["on"]["workflow_call"]["inputs"]["acr"]["default"] == "false"
    for output in document["on"]["workflow_call"]["outputs"].values():
        assert "jobs.build-acr.outputs." in output["value"]


def test_a_private_image_reaches_the_scan_as_files():
    """The job that may sign in hands the image on; the one that scans asks for `contents: read`, and fetches that."""
    build, scan, pipeline = (
        load(ROOT / ".github" / "workflows" / f"{name}.yml") for name in ("build", "scan", "pipeline")
    )
    (upload,) = [step for step in build["jobs"]["build-acr"]["steps"] if step.get("id") == "layout"]
    assert upload["with"]["path"].endswith(f"/lockgate-artifact/{handover.LAYOUT}")
    others = [step for step in build["jobs"]["build-acr"]["steps"] if "upload-artifact" in step.get("uses", "")]
    assert f"!{upload['with']['path']}" in others[0]["with"]["path"]
    (fetch,) = [step for step in scan["jobs"]["scan"]["steps"] if step.get("if") == "inputs.layout != ''"]
    assert fetch["with"]["path"] == upload["with"]["path"]
    assert scan["jobs"]["scan"]["permissions"] == {"contents": "read"}
    assert pipeline["jobs"]["scan-artifact"]["with"]["layout"] == "${{ needs.build.outputs.layout }}"


def test_a_rescan_pulls_in_one_job_and_scans_in_another():
    """The job that may sign in and see the ledger scans nothing; the one that scans has neither token nor secret."""
    document = load(ROOT / ".github" / "workflows" / "rescan.yml")
    bring, rescan = document["jobs"]["bring"], document["jobs"]["rescan"]
    assert (bring["if"], document["on"]["workflow_call"]["inputs"]["bring"]["default"]) == ("inputs.bring", "false")
    (pulls,) = [step for step in bring["steps"] if step.get("uses") == "$/"]
    (upload,) = [step for step in bring["steps"] if "upload-artifact" in step.get("uses", "")]
    assert pulls["with"]["output"] == upload["with"]["path"]
    assert rescan["permissions"] == {"contents": "read"}
    assert rescan["needs"] == "bring"
    (scans,) = [step for step in rescan["steps"] if step.get("uses") == "$/"]
    (fetch,) = [step for step in rescan["steps"] if "download-artifact" in step.get("uses", "")]
    assert "env" not in scans
    assert "output" not in scans["with"]
    assert (fetch["with"]["name"], fetch["with"]["path"]) == (upload["with"]["name"], upload["with"]["path"])
    assert fetch["with"]["path"].removeprefix("${{ runner.temp }}/") in scans["with"]["artifact"]


@pytest.mark.parametrize("path", SAMPLES, ids=name)
def test_a_sample_gives_a_reason_for_each_permission(path):
    """Who copies it knows what each line is for, and what is lost without it."""
    lines = re.findall(r"^ {6}[a-z-]+: (?:read|write).*$", path.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(lines) == len(granted(next(iter(load(path)["jobs"].values()))["permissions"]))
    assert all(re.search(r" # to \w+", line) for line in lines)


@pytest.mark.parametrize("path", [*OURS, *SAMPLES], ids=name)
def test_a_caller_grants_what_the_called_asks_for(path):
    """GitHub refuses, with no job and no log, a call that asks for more than its caller grants."""
    for job in load(path)["jobs"].values():
        called = re.fullmatch(r"(?:\$|OWNER/lockgate)/\.github/workflows/([\w-]+\.yml)(?:@v1)?", job.get("uses", ""))
        if not called:
            continue
        # What inherits has at least what every caller grants: to check its code out.
        mine = granted(job.get("permissions", {"contents": "read"}))
        for inner in load(ROOT / ".github" / "workflows" / called[1])["jobs"].values():
            for scope, level in granted(inner.get("permissions")).items():
                assert mine.get(scope, 0) >= level, f"{called[1]} needs {scope}"


@pytest.mark.parametrize("path", [*OURS, *SAMPLES], ids=name)
def test_a_caller_gives_inputs_that_the_called_has(path):
    """Every input passed on exists, and every one that is required is given."""
    for job in load(path)["jobs"].values():
        called = re.search(r"/\.github/workflows/([\w-]+\.yml)", job.get("uses", ""))
        if called:
            known = load(ROOT / ".github" / "workflows" / called[1])["on"]["workflow_call"]["inputs"]
            given = set(job.get("with", {}))
            assert given <= set(known)
            assert {key for key, one in known.items() if one.get("required") == "true"} <= given


@pytest.mark.parametrize("path", OURS, ids=name)
def test_every_job_ends(path):
    """A job that runs steps has a time limit: a number, or one that the caller may raise for rollouts that last longer."""
    workflow = load(path)
    for job in workflow["jobs"].values():
        if "uses" not in job:
            limit = job["timeout-minutes"]
            if limit == "${{ inputs.timeout-minutes }}":
                limit = workflow["on"]["workflow_call"]["inputs"]["timeout-minutes"]["default"]
            assert int(limit) <= 60


def test_services_of_one_repository_can_ship_in_one_run():
    """Each artifact's name can be set apart: a second upload of the same name in a run fails."""
    for name, job in load(ROOT / ".github/workflows/pipeline.yml")["jobs"].items():
        for key in {"artifact", "reports", "scan"} & set(job.get("with", {})):
            assert "inputs.name" in job["with"][key], (name, key)
    for file, job in (("deploy", "deploy"), ("rollback", "rollback")):
        steps = load(ROOT / f".github/workflows/{file}.yml")["jobs"][job]["steps"]
        assert all("inputs.name" in one["with"]["name"] for one in steps if "upload-artifact" in one.get("uses", ""))


@pytest.mark.parametrize("path", OURS, ids=name)
def test_a_checkout_keeps_no_credential(path):
    """The token is not left in .git, where a user's command could read it."""
    for step in steps(path):
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def waits(path):
    """Whether a job of this workflow, or of one that it calls, has an environment, whose reviewers may be asked."""
    jobs = load(path)["jobs"].values()
    called = [found for job in jobs for found in re.findall(r"/(\.github/workflows/[\w-]+\.yml)", job.get("uses", ""))]
    return any("environment" in job for job in jobs) or any(waits(ROOT / one) for one in called)


def test_nothing_that_waits_for_approval_holds_the_group_of_another_run():
    """A job that waits holds its group, and GitHub cancels every later run in silence. A public workflow has none at all."""
    waiting = [path for path in [*OURS, *SAMPLES] if path.name in PUBLIC or waits(path)]
    assert {path.name for path in waiting} == PUBLIC | {"ship-board.yml", "release.yml", "selftest.yml"}
    for path in waiting:
        document = load(path)
        groups = [str(one["concurrency"]) for one in [document, *document["jobs"].values()] if "concurrency" in one]
        assert [one for one in groups if path.name in PUBLIC or "github.run_id" not in one] == [], name(path)


@pytest.mark.parametrize("path", [path for path in OURS if path.name in PUBLIC], ids=name)
def test_a_public_workflow_says_how_it_ended(path):
    """Decision, reason and the whole result leave every stage, each described; every input is described too."""
    call = load(path)["on"]["workflow_call"]
    assert {"decision", "reason-code", "result"} <= set(call["outputs"])
    assert all(one["description"] for one in [*call["inputs"].values(), *call["outputs"].values()])
    deploying = path.name in {"deploy.yml", "rollback.yml", "pipeline.yml"}
    asking = deploying or path.name == "rescan.yml"
    wanted = [*asking * ["LOCKGATE_LEDGER_SECRET"], *deploying * ["LOCKGATE_SECRETS"]]
    assert list(call.get("secrets", {})) == wanted
    assert all(one["required"] == "false" for one in call.get("secrets", {}).values())


def test_the_environments_secrets_reach_only_the_steps_that_change_it():
    """Those that deploy, roll back and recover, in the job that names the environment; not the brief before it."""
    given = "${{ secrets.LOCKGATE_SECRETS }}"
    for path in OURS:
        document, text = load(path), path.read_text(encoding="utf-8")
        deploying = path.name in {"deploy.yml", "rollback.yml"}
        found = 0
        for job in document["jobs"].values():
            assert "LOCKGATE_SECRETS" not in job.get("env", {})
            for step in job.get("steps", []):
                changing = step.get("with", {}).get("command") in {"deploy", "rollback", "recover"}
                held = step.get("env", {}).get("LOCKGATE_SECRETS")
                assert held == (given if deploying and changing else None), step["name"]
                if held:
                    assert step["uses"] == "$/"
                    assert job["environment"]["name"] == "${{ inputs.environment }}"
                    found += 1
            if job.get("uses") == "$/.github/workflows/deploy.yml":
                assert job["secrets"]["LOCKGATE_SECRETS"] == given
                found += 1
            else:
                assert "LOCKGATE_SECRETS" not in job.get("secrets", {})
        # An environment has it in the job that names it only where each workflow on the way hands it on.
        assert found == {"deploy.yml": 2, "rollback.yml": 2, "pipeline.yml": 2}.get(path.name, 0)
        assert text.count("secrets.LOCKGATE_SECRETS") == found
        assert "toJSON(secrets" not in text
        assert "secrets: inherit" not in text


def test_what_makes_the_actions_environment_has_no_secret_of_the_job():
    """The step's own value hides what the step of the workflow was given."""
    setup = load(ROOT / "action.yml")["runs"]["steps"][0]
    assert (setup["env"]["LOCKGATE_LEDGER_SECRET"], setup["env"]["LOCKGATE_SECRETS"]) == ("", "")


def test_the_ledgers_key_reaches_only_the_steps_that_ask_the_ledger():
    """In the jobs that roll out and the brief before them; no build, no scan, no other action, and not this whole file."""
    for path in OURS:
        document, text = load(path), path.read_text(encoding="utf-8")
        handed_on = text.count("LOCKGATE_LEDGER_SECRET: ${{ secrets.LOCKGATE_LEDGER_SECRET }}")
        assert text.count("secrets.LOCKGATE_LEDGER_SECRET") == handed_on
        found = [step for step in steps(path) if "LOCKGATE_LEDGER_SECRET" in step.get("env", {})]
        assert {step["with"]["command"] for step in found} <= {"brief", "deploy", "rollback", "recover", "rescan"}
        assert all(step["uses"] == "$/" for step in found)
        calls = [job for job in document["jobs"].values() if "secrets" in job]
        assert all(job["uses"] == "$/.github/workflows/deploy.yml" for job in calls)
        assert handed_on == len(found) + len(calls)
        if path.name in {"deploy.yml", "rollback.yml"}:
            assert len(found) == len([step for step in steps(path) if step.get("uses") == "$/"])


def test_the_pipeline_ships_only_for_events_that_mean_it():
    """Nothing after the scan runs for a pull request, and the list of events is one of those that do."""
    jobs = load(ROOT / ".github" / "workflows" / "pipeline.yml")["jobs"]
    assert set(jobs["build"]["needs"]) == {"test", "scan"}
    assert "pull_request" not in jobs["build"]["if"]
    assert '"push"' in jobs["build"]["if"]
    assert "if" not in jobs["staging"]
    assert jobs["production"]["if"] == "inputs.production != ''"
    assert "staging" in jobs["production"]["needs"]


def test_deploying_jobs_are_gated_and_recover():
    """A job that changes an environment names it, and recovers in the same job whatever happened before."""
    for file, name in (("deploy.yml", "deploy"), ("rollback.yml", "rollback")):
        job = load(ROOT / ".github" / "workflows" / file)["jobs"][name]
        assert job["environment"]["name"] == "${{ inputs.environment }}"
        recover, keep = job["steps"][-2:]
        assert (recover["if"], recover["with"]["command"]) == ("always()", "recover")
        assert keep["if"].startswith("always() && ")
        assert keep["with"]["path"] == "${{ steps.recover.outputs.spool || steps.lockgate.outputs.spool }}"
        (rolls,) = [step for step in job["steps"] if step.get("with", {}).get("command") == name]
        assert rolls["with"]["brief"] == "${{ needs.brief.outputs.result }}", (
            "what was approved before, for what counts now"
        )
        # Any job of a run can upload an artifact of any name: what decides about rollbacks is replayed by a person.
        fetched = [step["with"]["name"] for step in job["steps"] if "download-artifact" in step.get("uses", "")]
        assert not [one for one in fetched if "spool" in one]


def test_a_rollback_goes_where_the_approved_page_said():
    """What was chosen is looked up once, before the approval; what is deployed meanwhile changes nothing."""
    jobs = load(ROOT / ".github" / "workflows" / "rollback.yml")["jobs"]
    (step,) = [one for one in jobs["rollback"]["steps"] if one.get("with", {}).get("command") == "rollback"]
    assert step["with"]["ref"] == "${{ fromJSON(needs.brief.outputs.result).image }}"
    assert jobs["rollback"]["needs"] == "brief"


def test_what_signs_runs_nobodys_code():
    """A job that may sign checks nothing out, and uses GitHub's own actions only: no build and no scan can reach its token."""
    for file in ("build.yml", "scan.yml"):
        job = load(ROOT / ".github" / "workflows" / file)["jobs"]["attest"]
        assert "inputs.attest" in job["if"]
        used = [step["uses"].partition("@")[0] for step in job["steps"] if "uses" in step]
        assert used[-1] == "actions/attest"
        assert set(used) <= {"actions/attest", "actions/download-artifact"}


@pytest.mark.parametrize("file", ["build.yml", "scan.yml"])
def test_what_signs_takes_a_digest_and_nothing_else(file, tmp_path):
    """The step that names the subject ends the job for anything that is no artifact by digest."""
    script = next(
        step["run"] for step in load(ROOT / ".github" / "workflows" / file)["jobs"]["attest"]["steps"] if "run" in step
    )
    digest = "sha256:" + "a" * 64
    for image, name in (
        (f"image:registry.example:5000/team/shop@{digest}", "registry.example:5000/team/shop"),
        (f"bundle:shop@{digest}", "shop"),
        ("image:shop:v1", None),
        (f"image:shop@{digest}\nname=evil", None),
        (f"image:$(id)@{digest}", None),
        ("", None),
    ):
        out = tmp_path / "out"
        out.write_text("")
        env = {"PATH": os.environ["PATH"], "IMAGE": image, "GITHUB_OUTPUT": str(out)}
        done = subprocess.run(["bash", "-eo", "pipefail", "-c", script], env=env, check=False)
        assert (done.returncode == 0) == bool(name), image
        assert out.read_text() == (f"name={name}\ndigest={digest}\n" if name else "")


def test_who_approves_is_told_before_being_asked():
    """The job with the environment waits for the one that writes the page, and does not start where that said no."""
    jobs = load(ROOT / ".github" / "workflows" / "deploy.yml")["jobs"]
    assert "environment" not in jobs["brief"]
    assert jobs["deploy"]["needs"] == "brief"
    assert "needs.brief.result" in jobs["deploy"]["if"]
    assert "failure" not in jobs["deploy"]["if"]


def test_the_yaml_in_the_documents_is_a_tested_file():
    """A code block after `<!-- from: PATH -->` is that file, to the letter."""
    for page in [ROOT / "README.md", *(ROOT / "docs").glob("*.md")]:
        for path, block in re.findall(r"<!-- from: (\S+) -->\n+```\w*\n(.*?)```", page.read_text(), re.DOTALL):
            assert block == (ROOT / path).read_text(encoding="utf-8"), f"{page.name}: {path}"


def test_a_repository_without_code_scanning_gets_a_notice():
    """What scan.yml wrote is uploaded, and where that fails the job says so and is green."""
    upload, tell = load(ROOT / ".github" / "workflows" / "code-scanning.yml")["jobs"]["upload"]["steps"][-2:]
    assert upload["with"]["sarif_file"].endswith(f"/{FORMATS['sarif']}")
    assert upload["continue-on-error"] == "true"
    assert tell["if"] == f"steps.{upload['id']}.outcome == 'failure'"
    done = subprocess.run(["bash", "-ec", tell["run"]], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("::notice ")


def test_every_suppression_gives_its_reason():
    """A check that is switched off says why: beside the line, or above the rule."""
    for path in [*OURS, *SAMPLES, *(ROOT / "scripts" / "lockgate" / "templates").glob("*.yml")]:
        for line in path.read_text(encoding="utf-8").splitlines():
            assert not re.search(r"zizmor: ignore\[[\w-]+\]\s*$", line), f"{name(path)}: {line}"
    lines = (ROOT / ".github" / "zizmor.yml").read_text(encoding="utf-8").splitlines()
    rules = [number for number, line in enumerate(lines) if re.fullmatch(r"  [\w-]+:", line)]
    assert rules
    for number in rules:
        assert lines[number - 1].strip().startswith("#"), lines[number]
