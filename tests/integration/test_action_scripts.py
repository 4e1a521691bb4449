"""The scripts of action.yml, run as GitHub runs them, in checkouts that would mislead them."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.integration.rollout.shop import Shop
from tests.integration.test_notifications import Place

ROOT = Path(__file__).parents[2]
ACTION = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
CONFIG = "service: shop\nbuild: {kind: docker}\nenvironments:\n  staging:\n    target: {port: 8099}\n"
WRONG = 'raise SystemExit("the wrong lockgate")\n'


def evaluated(expression, given):
    """What GitHub makes of an expression of action.yml: its operators are Python's by other names."""
    python = re.sub(r"contains\(fromJSON\('(.*?)'\), (inputs\.[\w-]+)\)", r"(\2 in \1)", expression)
    python = re.sub(r"inputs\.([\w-]+)", r'given["\1"]', python).replace("&&", "and").replace("||", "or")
    return eval(python, {"given": given})  # noqa: S307 - a line of action.yml


class Job:
    """One job on a runner: a checkout, a temporary folder, the files that GitHub reads."""

    def __init__(self, folder):
        self.workspace = folder / "workspace"
        self.temp = folder / "temp"
        self.output = folder / "output"
        self.summary = folder / "summary"
        self.workspace.mkdir()
        self.temp.mkdir()
        (self.workspace / "lockgate.yml").write_text(CONFIG)

    def use(self, env=None, **inputs):
        """Run the action; return the last step and the outputs."""
        given = {name: str(one.get("default", "")) for name, one in ACTION["inputs"].items()}
        given |= {"github-token": ""} | {name.replace("_", "-"): value for name, value in inputs.items()}
        base = {
            # The pinned uv where it is at hand, so that the test fetches nothing.
            "PATH": os.pathsep.join([str(ROOT / ".cache" / "bin"), os.environ["PATH"]]),
            "HOME": os.environ.get("HOME", "/"),
            "GITHUB_ACTIONS": "true",
            "GITHUB_ACTION_PATH": str(ROOT),
            "GITHUB_OUTPUT": str(self.output),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "RUNNER_TEMP": str(self.temp),
        }
        base |= {name: os.environ[name] for name in ("SSL_CERT_FILE", "XDG_CACHE_HOME") if name in os.environ}
        for step in ACTION["runs"]["steps"]:
            values = {
                name: re.sub(r"\$\{\{ (.*?) \}\}", lambda found: evaluated(found[1], given), value)
                for name, value in step["env"].items()
            }
            done = subprocess.run(
                ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]],
                cwd=self.workspace,
                env=base | (env or {}) | values,
                capture_output=True,
                text=True,
                check=False,
            )
            if done.returncode:
                break
        written = self.output.read_text() if self.output.exists() else ""
        return done, {
            m[1]: m[3] for m in re.finditer(r"^([\w-]+)<<(\S+)\n(.*?)\n\2$", written, re.MULTILINE | re.DOTALL)
        }


@pytest.fixture
def job(tmp_path):
    return Job(tmp_path)


def test_the_action_runs_a_command_and_writes_its_outputs(job):
    """A valid config passes; decision, reason and the result leave the step."""
    done, outputs = job.use(command="validate")
    assert done.returncode == 0, done.stderr
    assert (outputs["decision"], outputs["reason-code"]) == ("passed", "ok")
    assert '"command":"validate"' in outputs["result"]


def test_a_checkout_that_poses_as_lockgate_is_not_run(job):
    """A package, a sitecustomize.py, a uv.toml, PYTHONPATH and UV_* of the caller's are not looked at."""
    (job.workspace / "lockgate").mkdir()
    for trap in ("lockgate/__init__.py", "lockgate/__main__.py", "sitecustomize.py", "usercustomize.py"):
        (job.workspace / trap).write_text(WRONG)
    (job.workspace / "uv.toml").write_text('offline = "not a boolean"\n')
    (job.workspace / "pyproject.toml").write_text("this is not TOML\n")
    sprung = subprocess.run([sys.executable, "-m", "lockgate"], cwd=job.workspace, capture_output=True, check=False)
    assert b"the wrong lockgate" in sprung.stderr, "the trap must be one"

    hostile = {
        "PYTHONPATH": str(job.workspace),
        "PYTHONSTARTUP": str(job.workspace / "sitecustomize.py"),
        "PYTHONHOME": "/nowhere",
        "UV_OFFLINE": "1",
        "UV_PYTHON": "2.7",
        "UV_INDEX_URL": "https://index.invalid/simple",
        "UV_PROJECT_ENVIRONMENT": str(job.workspace / "theirs"),
        "VIRTUAL_ENV": str(job.workspace / "theirs"),
    }
    done, outputs = job.use(hostile, command="validate")
    assert done.returncode == 0, done.stderr
    assert outputs["decision"] == "passed"
    assert not (job.workspace / "theirs").exists()


def test_a_config_error_is_an_annotation_and_an_output(job):
    """The step fails with the config's exit code, says where in the file, and leaves the reason behind."""
    (job.workspace / "lockgate.yml").write_text("service: shop\nenviroments: {}\n")
    done, outputs = job.use(command="validate")
    assert done.returncode == 12
    assert outputs["reason-code"] == "config_invalid"
    assert re.search(r"^::error .*file=lockgate.yml,line=2", done.stdout, re.MULTILINE)
    assert "Traceback" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    ("env", "inputs", "expected"),
    [
        ({}, {}, "temp/lockgate-state"),
        ({}, {"state_dir": "chosen"}, "workspace/chosen"),
        ({"LOCKGATE_STATE_DIR": "../the-runners"}, {"state_dir": "chosen"}, "the-runners"),
    ],
    ids=["neither", "the input", "the runner's own wins"],
)
def test_where_the_state_is_kept(job, env, inputs, expected):
    """The runner's own place, else the input, else a folder that ends with the job; never the checkout by itself."""
    done, _ = job.use(env, command="status", **inputs)
    assert done.returncode == 0, done.stderr
    assert (job.temp.parent / expected / "ledger.db").is_file()
    assert not (job.workspace / ".lockgate").exists()


@pytest.mark.timeout(110)
def test_the_environments_secrets_reach_who_they_are_for_and_nobody_else(job, tmp_path):
    """By the one secret that a workflow can hand on, the service, the commands and a webhook have theirs.

    None of these processes sees the object, and no line, output or file shows a value.
    """
    shop, place = Shop(job.workspace), Place()
    alone = 'test "$DATABASE_URL" = planted-hunter2 && test -z "${LOCKGATE_SECRETS+x}${HOOK+x}${OTHER+x}"'
    production = shop.config["environments"]["production"]
    production["integration"] = {"command": alone}
    production["migration"] = {"before": alone, "after": alone}
    shop.config["build"]["bundle"]["start"] = f"{alone} && exec {sys.executable} -S service.py"
    shop.config["secrets"] = {"DATABASE_URL": {"env": "SHOP_DB"}}
    shop.config["notify"] = [{"url_env": "HOOK", "key_env": "HOOK_KEY"}]
    shop.write()
    handed = {"SHOP_DB": "planted-hunter2", "HOOK": place.url, "HOOK_KEY": "planted-key", "OTHER": "planted-other"}
    try:
        image = shop.build("v1")
        env = {"LOCKGATE_SECRETS": json.dumps(handed), "SHOP_DB": "the machine's own"}
        given = {"environment": "production", "image": image, "state_dir": str(shop.state)}
        done, outputs = job.use({**env, "LOCKGATE_SECRETS": '{"SHOP_DB": 5}'}, command="deploy", **given)
        assert (done.returncode, outputs["reason-code"]) == (12, "config_invalid"), done.stderr
        assert "$LOCKGATE_SECRETS cannot be used: SHOP_DB is a number, not text." in done.stderr
        job.output.unlink()
        done, outputs = job.use(env, command="deploy", **given)
        assert (done.returncode, outputs["decision"]) == (0, "deployed"), done.stdout + done.stderr
        (sent,) = place.told
    finally:
        place.close()
        shop.close()
    assert sent[1]["X-Lockgate-Signature"].startswith("sha256=")
    masks, lines = [], []
    for line in (done.stdout + done.stderr).splitlines():
        (masks if line.startswith("::add-mask::") else lines).append(line)
    assert {line.removeprefix("::add-mask::") for line in masks} >= set(handed.values())
    everything = "\n".join([*lines, job.output.read_text(), job.summary.read_text(), str(sent)])
    assert [value for value in handed.values() if value in everything] == []


@pytest.mark.timeout(110)
def test_what_reads_the_ledger_in_the_repository_has_the_jobs_token(job, github):
    """The commands that look, as those that deploy; without the token they would end with 74."""
    (job.workspace / "lockgate.yml").write_text(f"{CONFIG}ledger: github\n")
    env = {name: value for name, value in github.env().items() if name != "LOCKGATE_GITHUB_TOKEN"}
    for command in ("status", "history", "metrics"):
        done, _ = job.use(env, command=command, github_token=github.token)
        assert done.returncode == 0, done.stdout + done.stderr
    done, _ = job.use(env, command="rescan", github_token=github.token)
    assert done.returncode == 74, done.stdout + done.stderr
    assert "there is no token to reach it with" in done.stderr
    assert "`bring: true`" in done.stderr


@pytest.mark.parametrize(
    ("command", "output", "reached"),
    [
        *((one, "", True) for one in ("brief", "deploy", "rollback", "recover", "adopt", "doctor", "plan", "status")),
        *((one, "", True) for one in ("history", "metrics")),
        *((one, output, False) for one in ("test", "scan", "build", "validate") for output in ("", "out")),
        ("rescan", "", False),
        ("rescan", "out", True),
    ],
)
def test_whom_the_jobs_token_reaches(command, output, reached):
    """Nobody who tests, builds or scans; and whoever has it has GitHub's client, too."""
    setup, run = ACTION["runs"]["steps"]
    given = {"command": command, "output": output, "github-token": "t"}
    assert evaluated(run["env"]["LOCKGATE_GITHUB_TOKEN"][4:-3], given) == ("t" if reached else "")
    chosen = setup["run"].replace('python3 -I "$GITHUB_ACTION_PATH/scripts/bootstrap.py"', "echo").replace(">", "#")
    env = {"PATH": os.environ["PATH"], "RUNNER_TEMP": "temp", "LOCKGATE_COMMAND": command, "LOCKGATE_OUTPUT": output}
    done = subprocess.run(["bash", "-euc", chosen], env=env, capture_output=True, text=True, check=True)
    extras = set(done.stdout.split()) - {"--extra", "--into", "temp/lockgate"}
    assert "github" in extras or not reached
    asks_azure = reached and command not in {"brief", "history", "metrics"}
    assert ("azure" in extras) == (asks_azure or command == "build")


def test_lockgate_takes_the_place_of_the_shell():
    """A cancelled job's signals reach Lockgate only if there is no shell in between."""
    assert ACTION["runs"]["steps"][-1]["run"].strip().splitlines()[-1].startswith("exec ")
