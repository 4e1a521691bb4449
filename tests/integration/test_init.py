"""`lockgate init` as a person runs it: in a repository, before there is anything."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lockgate.adapters import repository
from lockgate.adapters.config_file import load
from tests import forked

BIN = Path(sys.executable).parent
CHECKOUT = Path(__file__).parents[2]
REPOSITORIES = {
    "nothing": {},
    "a Dockerfile": {"Dockerfile": "FROM scratch\nEXPOSE 3000\n"},
    "FastAPI with uv": {
        "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["fastapi", "uvicorn"]\n[dependency-groups]\ntest = ["pytest", "pytest-cov"]\n',
        "uv.lock": "",
        "tests/test_shop.py": "",
        "shop/main.py": 'from fastapi import FastAPI\napp = FastAPI()\n@app.get("/health")\ndef health(): ...\n',
    },
    "Flask with pip and a Dockerfile": {
        "Dockerfile": "FROM scratch\n",
        "requirements.txt": "flask\ngunicorn\npytest\n",
        "test_app.py": "",
        "app.py": "from flask import Flask\napp = Flask(__name__)\n",
    },
    "Node": {
        "package.json": '{"name": "@acme/shop", "scripts": {"start": "node server.js", "test": "node --test"}}',
        "package-lock.json": "{}",
        "server.js": "listen(process.env.PORT)",
    },
    "text that is not UTF-8": {"app.py": "caf\udce9", "pyproject.toml": "\udcff"},
}


def lockgate(folder, *arguments):
    """Run the command in a folder."""
    return forked.run(arguments, cwd=folder, env=dict(os.environ))


def make(folder, files):
    """Make a git repository of these files."""
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(["git", "init", "-q", "-b", "main", str(folder)], check=True, timeout=60)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode(errors="surrogateescape"))
    return folder


@pytest.mark.parametrize("kind", REPOSITORIES)
def test_what_is_written_is_valid_and_says_why(tmp_path, kind):
    """Whatever the repository, the config validates, and each choice has its reason in words."""
    folder = make(tmp_path / "shop", REPOSITORIES[kind])
    done = lockgate(folder, "init", "--uses", "octocat/lockgate@v1")
    assert done.returncode == 0, done.stderr
    assert "wrote lockgate.yml" in done.stdout
    config = load(folder / "lockgate.yml")
    assert list(config.environments) == ["staging", "production"]
    assert lockgate(folder, "validate").returncode == 0
    assert "build: " in done.stdout
    text = (folder / "lockgate.yml").read_text()
    assert "OWNER" not in done.stdout + text
    # As doctor and docs/provenance.md say: where the repository is private, nothing could be deployed with it.
    assert "signatures of private\n# ones cannot be verified" in text


@pytest.mark.parametrize("name", ["lockgate.yml", "services/shop/lockgate.yml"])
def test_the_workflow_passes_the_linters(tmp_path, name):
    """The caller workflow is what zizmor's strictest persona and GitHub's own schema accept."""
    folder = make(tmp_path / "shop", {"services/shop/Dockerfile": "FROM scratch\n"})
    (folder / name).parent.mkdir(exist_ok=True, parents=True)
    assert lockgate(folder, "init", "--config", name).returncode == 0
    workflows = [str(folder / ".github" / "workflows" / each) for each in ("deploy.yml", "rollback.yml")]
    for workflow in workflows:
        assert ("config: services/shop/lockgate.yml" in Path(workflow).read_text()) == (name != "lockgate.yml")
    for linter in (
        ["zizmor", "--offline", "--persona", "pedantic", "--no-progress", *workflows],
        ["check-jsonschema", "--builtin-schema", "vendor.github-workflows", *workflows],
        ["jactionlint", "--oneline", "--no-hints", "--strict-exit", "--profile", "correctness", *workflows],
    ):
        if not (BIN / linter[0]).exists():
            pytest.fail(f"{linter[0]} is not in the environment: make setup-lint")
        done = subprocess.run(
            [str(BIN / linter[0]), *linter[1:]], capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_workflow_explains_each_permission(tmp_path):
    """Every permission stands with its reason, and they are those of the sample that the README shows."""
    folder = make(tmp_path / "shop", {})
    assert lockgate(folder, "init").returncode == 0
    for name in ("deploy.yml", "rollback.yml"):
        text = (folder / ".github" / "workflows" / name).read_text()
        lines = [line.strip() for line in text.splitlines()]
        granted = [line for line in lines if line.split("#")[0].strip().endswith((": read", ": write"))]
        sample = yaml.safe_load((CHECKOUT / "examples/storefront/.github/workflows" / name).read_text())
        assert [line.split(":")[0] for line in granted] == list(sample["jobs"]["lockgate"]["permissions"])
        assert granted[0].startswith("contents: read # to ")
        assert "\npermissions: {}\n" in text
        assert yaml.safe_load(text)[True] == sample[True] or name == "deploy.yml"


@pytest.mark.parametrize("config", ["lockgate.yml", "services/shop/lockgate.yml"])
@pytest.mark.parametrize(
    ("name", "called", "runner"),
    [("deploy.yml", "pipeline.yml", "deploy-runner"), ("rollback.yml", "rollback.yml", "runner")],
)
def test_what_stands_there_to_be_switched_on_works(tmp_path, name, called, runner, config):
    """Without their `#`, the lines at the end hand on a secret and give inputs that the called workflow has."""
    folder = make(tmp_path / "shop", {"services/shop/x": ""})
    assert lockgate(folder, "init", "--config", config).returncode == 0
    text = (folder / ".github" / "workflows" / name).read_text()
    top, _, end = text.partition("    uses: ")
    on = re.sub(r"(?m)^( +)# (?=(?:secrets|with):| *[\w-]+: \S)", r"\1", end)
    assert on != end
    job = yaml.safe_load(f"{top}    uses: {on}")["jobs"]["lockgate"]
    call = yaml.safe_load((CHECKOUT / ".github/workflows" / called).read_text())[True]["workflow_call"]
    assert job["secrets"] == {"LOCKGATE_SECRETS": "${{ secrets.LOCKGATE_SECRETS }}"}
    assert job["secrets"].keys() <= call["secrets"].keys()
    assert job["with"].keys() <= call["inputs"].keys()
    assert (job["with"][runner], job["with"]["config"]) == ("LABEL", config)


def test_nothing_is_overwritten_without_being_told_to(tmp_path):
    """Files that are there are all named, none is touched, and none is written beside them."""
    folder = make(tmp_path / "shop", {"lockgate.yml": "mine"})
    done = lockgate(folder, "init")
    assert done.returncode == 14
    assert "lockgate.yml is there already; nothing was written" in done.stderr
    assert "--force" in done.stderr
    assert not (folder / ".github").exists()
    assert lockgate(folder, "init", "--force").returncode == 0
    both = lockgate(folder, "init")
    assert (
        "lockgate.yml and .github/workflows/deploy.yml and .github/workflows/rollback.yml are there already"
        in both.stderr
    )
    assert load(folder / "lockgate.yml").service == "shop"


def test_an_owner_that_is_not_known_is_left_to_the_person(tmp_path):
    """Where nobody can know whose Lockgate is meant, the hint says what to replace."""
    folder = make(tmp_path / "shop", {})
    known = repository.own_name({"PATH": "/usr/bin:/bin"})
    done = json.loads(lockgate(folder, "init", "--json").stdout)
    assert done["decision"] == "passed"
    assert done["data"]["written"] == [
        *("lockgate.yml", ".github/workflows/deploy.yml", ".github/workflows/rollback.yml")
    ]
    assert any("replace OWNER" in one for one in done["data"]["to_do"]) == (known == "")


def test_the_branch_that_is_checked_out_is_the_one_that_ships(tmp_path):
    """A repository whose main branch is called master is not left out."""
    folder = make(tmp_path / "shop", {})
    subprocess.run(["git", "-C", str(folder), "symbolic-ref", "HEAD", "refs/heads/master"], check=True, timeout=60)
    assert lockgate(folder, "init").returncode == 0
    assert "branches: [master]" in (folder / ".github" / "workflows" / "deploy.yml").read_text()


def test_a_strange_uses_is_refused(tmp_path):
    """--uses must name a repository and a version of it."""
    done = lockgate(make(tmp_path / "shop", {}), "init", "--uses", "lockgate")
    assert done.returncode == 2
    assert "expected OWNER/REPOSITORY@REF" in done.stderr


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    """A file where a folder must be is an error with a fix, not a traceback."""
    done = lockgate(make(tmp_path / "shop", {".github": "a file"}), "init")
    assert done.returncode == 70
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/octocat/lockgate.git", "octocat/lockgate"),
        ("https://github.com/octocat/lockgate", "octocat/lockgate"),
        ("git@github.com:octocat/lockgate.git", "octocat/lockgate"),
        ("ssh://git@github.com/octocat/lockgate", "octocat/lockgate"),
        ("https://github.com.example/octocat/lockgate", ""),
        ("/srv/git/lockgate.git", ""),
    ],
)
def test_the_owner_is_read_from_a_github_origin_only(url, name):
    """Any other host says nothing about a repository on GitHub."""
    assert repository.github_name(url) == name


def test_without_git_the_owner_is_simply_not_known():
    """A machine without git can still run init."""
    assert repository.own_name({"PATH": "/nonexistent"}) == ""


def test_a_large_or_deep_repository_is_looked_at_in_bounds(tmp_path):
    """Only the first folders are read, and what others installed there is left alone."""
    make(
        tmp_path / "shop", {"a/b/c/deep.py": "x", "node_modules/x/app.py": "x", ".venv/app.py": "x", "a/b/near.py": "x"}
    )
    files = repository.look(tmp_path / "shop").files
    assert "a/b/near.py" in files
    assert not any("deep" in path or "node_modules" in path or ".venv" in path for path in files)


def test_a_second_service_has_workflows_of_its_own(tmp_path):
    """The first one's are left as they are, and each calls Lockgate with its own config."""
    folder = make(tmp_path / "mono", {"services/shop/x": "", "services/my till/x": ""})
    assert lockgate(folder, "init", "--config", "services/shop/lockgate.yml").returncode == 0
    workflows = folder / ".github" / "workflows"
    first = {path.name: path.read_text() for path in workflows.iterdir()}
    done = lockgate(folder / "services" / "my till", "init")
    assert done.returncode == 0, done.stderr
    assert 'paths: ["services/my till/**"]' in done.stdout + done.stderr
    assert {name: (workflows / name).read_text() for name in first} == first
    names = {path.name for path in workflows.iterdir()} - first.keys()
    assert names == {"deploy-my-till.yml", "rollback-my-till.yml"}
    for name in names:
        written = yaml.safe_load((workflows / name).read_text())
        assert written["name"].endswith(" my-till")
        assert written["jobs"]["lockgate"]["with"]["config"] == "services/my till/lockgate.yml"
    again = lockgate(folder / "services" / "my till", "init")
    assert (again.returncode, ".github/workflows/deploy-my-till.yml" in again.stderr) == (14, True)
    own = lockgate(folder, "init", "--config", "services/shop/lockgate.yml", "--force")
    assert own.returncode == 0
    assert {path.name for path in workflows.iterdir()} == {*first, *names}
