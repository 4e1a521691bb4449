"""The real workflow files, run by act as a caller's repository would use them."""

import json
import shutil
import sqlite3
import subprocess
import urllib.request
from contextlib import closing

import jsonschema
import pytest

from demo import act, processes
from demo.sandbox import PROJECT, REF, REPOSITORY, STOREFRONT, Sandbox, free_ports

SCHEMA = json.loads((PROJECT / "schemas" / "result.schema.json").read_text(encoding="utf-8"))
UV = PROJECT / ".cache" / "bin" / "uv"
RUN_SECONDS = 240


class Shop(Sandbox):
    """A sandbox whose shop has ports of its own."""

    __slots__ = ()

    def run(self, event, *options, **others):
        """Run the workflows for an event, to the end."""
        run = act.start(self, event, *options, **others)
        run.finish()
        return run


@pytest.fixture
def shop(tmp_path):
    sandbox = Shop(tmp_path / "sandbox", UV if UV.is_file() else None)
    sandbox.make()
    staging, production = free_ports(2)
    sandbox.edit("lockgate.yml", {"port: 8081": f"port: {staging}", "port: 8080": f"port: {production}"})
    yield sandbox
    processes.end_all(sandbox)


def get(url):
    with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - what a test has deployed on this machine
        return answer.status, answer.headers["X-Version"]


def recorded(ledger):
    """Count what a ledger holds: deployments, and events of theirs. The scan asks it what runs, so it may be there."""
    with closing(sqlite3.connect(ledger)) as opened:
        return tuple(opened.execute(f"SELECT count(*) FROM {name}").fetchone()[0] for name in ("deployments", "events"))  # noqa: S608


def test_a_pull_request_stops_after_the_scan(shop):
    """A pull request is tested and scanned; nothing is built, nothing is deployed, no secret is there."""
    shop.commit("Propose a change")
    run = shop.run("pull_request")
    assert run.jobs == {"Test": "success", "Scan": "success"}, run.lines[-20:]
    assert {job: run.result(job)["decision"] for job in run.jobs} == {"Test": "passed", "Scan": "passed"}
    assert recorded(shop.ledger) == (0, 0)


@pytest.mark.timeout(RUN_SECONDS)
def test_a_push_goes_all_the_way_and_a_person_can_ask_to_go_back(shop):
    """One digest goes through every stage to production; then the rollback workflow says that nothing came before.

    The shop's secret, without which nothing is deployed, comes by LOCKGATE_SECRETS alone, and no line shows it.
    """
    shop.edit("lockgate.yml", {"service: storefront\n": "service: storefront\nsecrets: {TILL: {env: SHOP_TILL}}\n"})
    call = f"uses: {REPOSITORY}/.github/workflows/pipeline.yml@{REF}\n"
    handed = "    secrets:\n      LOCKGATE_SECRETS: ${{ secrets.LOCKGATE_SECRETS }}\n"
    shop.edit(".github/workflows/deploy.yml", {call: call + handed})
    commit = shop.commit("Open the shop", "v1.0.0")
    run = shop.run("push", "--secret", 'LOCKGATE_SECRETS={"SHOP_TILL": "planted-hunter2"}')
    stages = ["Test", "Scan", "Build", "Scan artifact", "Staging", "Production"]
    assert run.jobs == dict.fromkeys([*stages, "Brief"], "success"), run.lines[-20:]
    results = {stage: run.result(stage) for stage in stages}
    for result in results.values():
        jsonschema.validate(result, SCHEMA)
    assert {results[stage]["image"] for stage in stages[2:]} == {run.outputs["Build"]["image"]}
    assert (results["Production"]["decision"], results["Production"]["commit"]) == ("deployed", commit)
    assert results["Production"]["data"]["approval"].startswith("nobody was asked")
    assert get(run.outputs["Production"]["url"]) == (200, "v1.0.0")
    assert "planted-hunter2" not in "\n".join([*run.lines, str(run.outputs)])

    back = shop.run(
        "workflow_dispatch", "--workflows", ".github/workflows/rollback.yml", "--input", "environment=staging"
    )
    (result,) = (back.result(job) for job in back.outputs)
    assert result["reason_code"] == "nothing_to_roll_back", back.lines[-20:]
    assert get(run.outputs["Staging"]["url"]) == (200, "v1.0.0")


def test_failing_tests_and_a_secret_in_the_source_stop_before_the_build(shop):
    """Tests and scan run side by side, each says its own reason, and nothing is built."""
    key = "D6M3TKVRJL5NXQ7ZAIKA"[::-1]  # backwards, so that nobody's scanner finds one in here
    (shop.shop / "storefront" / "settings.py").write_text(f'AWS_ACCESS_KEY_ID = "{key}"\n')
    shop.edit("storefront/catalog.py", {"1400": "1500"})
    shop.commit("Raise a price, forget its test, and leave a key lying about")
    run = shop.run("push")
    assert run.process.returncode != 0
    assert run.outputs["Test"]["decision"] == "failed", run.lines[-20:]
    assert run.outputs["Test"]["reason-code"] == "tests_failed"
    assert run.outputs["Scan"]["reason-code"] == "findings"
    assert "Build" not in run.jobs


@pytest.mark.parametrize("job", ["bad-config", "failing-tests", "hostile-checkout"])
def test_the_selftest_of_this_repository_passes(shop, job):
    """The jobs of selftest.yml do what they say, here too."""
    shutil.copytree(STOREFRONT, shop.lockgate / "examples" / "storefront", ignore=shutil.ignore_patterns(".venv"))
    shop.git("init", "--quiet", str(shop.lockgate))
    run = shop.run("push", "--workflows", ".github/workflows/selftest.yml", "--job", job, repository=shop.lockgate)
    assert list(run.jobs.values()) == ["success"], run.lines[-20:]


def test_only_references_to_this_repository_differ_under_act(shop):
    """Act runs what users run: apart from `$/`, no line of a workflow is another."""
    for theirs in (shop.lockgate / ".github" / "workflows").glob("*.yml"):
        ours = (PROJECT / ".github" / "workflows" / theirs.name).read_text(encoding="utf-8").splitlines()
        for line, rewritten in zip(ours, theirs.read_text(encoding="utf-8").splitlines(), strict=True):
            assert line == rewritten or "uses: $/" in line


def test_nothing_is_left_running(shop):
    """Whatever a run has started can be found again and ended, and nothing else is."""
    shop.make()
    (shop.shop / "sleep.sh").write_text("sleep 60 & exec sleep 60\n")
    ours = subprocess.Popen(["sh", "sleep.sh"], cwd=shop.shop, env=shop.env(), start_new_session=True)
    others = subprocess.Popen(["sleep", "60"])
    try:
        assert processes.end_all(shop) >= 1
        assert ours.wait(5) != 0
        assert others.poll() is None
    finally:
        others.kill()
        others.wait()
