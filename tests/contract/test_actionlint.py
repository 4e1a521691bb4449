"""The checks of the workflows see the mistakes that GitHub would find only when they run, or never."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.lint import ACTIONLINT

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
MISTAKES = {
    "an output of a step that is not there": (
        "build.yml",
        "steps.lockgate.outputs.decision",
        "steps.lockgat.outputs.decision",
    ),
    "an output that a called workflow does not have": (
        "pipeline.yml",
        "needs.staging.outputs.ending",
        "needs.staging.outputs.reslut",
    ),
    "a job that is not waited for": (
        "pipeline.yml",
        "needs: [build, scan-artifact, staging]",
        "needs: [build, staging]",
    ),
    "an input that is not declared": ("scan.yml", "inputs.against", "inputs.agianst"),
    "an input that the called workflow does not have": ("rollback.yml", "command: rollback", "commnad: rollback"),
    "a context that is not there yet": ("test.yml", "runs-on: ${{ inputs.runner }}", "runs-on: ${{ runner.os }}"),
    "an unquoted variable in a script": ("ci.yml", "run: make demo", "run: make $GOALS"),
    "an action by its tag": ("selftest.yml", "@3d3c42e5aac5ba805825da76410c181273ba90b1", "@v7"),
}


def test_each_mistake_is_seen(tmp_path):
    """One of each kind, all at once: every file that has one is named, and none that has none."""
    shutil.copytree(ROOT / ".github", tmp_path / ".github")
    shutil.copy(ROOT / "action.yml", tmp_path)
    for file, right, wrong in MISTAKES.values():
        path = tmp_path / ".github" / "workflows" / file
        text = path.read_text(encoding="utf-8")
        assert right in text, (file, right)
        path.write_text(text.replace(right, wrong), encoding="utf-8")
    (tmp_path / ".git").mkdir()
    env = {**os.environ, "PATH": f"{BIN}{os.pathsep}{os.environ.get('PATH', os.defpath)}"}
    done = subprocess.run(ACTIONLINT, cwd=tmp_path, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1, done.stdout + done.stderr
    assert {*re.findall(r"workflows/([\w-]+\.yml):", done.stdout)} == {file for file, _, _ in MISTAKES.values()}
    for sought in (
        '"lockgat"',
        '"reslut"',
        '"scan-artifact"',
        '"agianst"',
        '"commnad"',
        'context "runner"',
        "SC2086",
        "actions/checkout@v7",
    ):
        assert sought in done.stdout, sought
