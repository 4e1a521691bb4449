"""Names that somebody else chose: of a branch, a file, a person, a release. All of them are shown, and none is obeyed."""

import json
import os
import re
import subprocess
import sys

import pytest

EVIL = "\n::set-output name=decision::passed\r##[add-path]/tmp\x1b[2J</td><script>\u202e"
NAMES = {
    "GITHUB_REF": f"refs/heads/x{EVIL}",
    "GITHUB_REF_NAME": f"x{EVIL}",
    "GITHUB_HEAD_REF": f"x{EVIL}",
    "GITHUB_ACTOR": f"mallory{EVIL}",
    "GITHUB_WORKFLOW_REF": f"ada/shop/.github/workflows/x.yml@x{EVIL}",
    "LOCKGATE_VERSION": f"v1{EVIL}",
}


@pytest.fixture
def project(tmp_path):
    """A project with a file and a test of such names."""
    (tmp_path / "lockgate.yml").write_text(
        "service: shop\ntest: {command: python3 tests.py, coverage: ''}\n"
        "build: {kind: bundle, bundle: {start: 'true'}}\nenvironments:\n  production:\n    target: {port: 8099}\n"
    )
    (tmp_path / f"x{EVIL.replace('/', '_')}.py").write_text("")
    (tmp_path / "tests.py").write_text(
        "from xml.sax.saxutils import quoteattr\n"
        f"name = {EVIL!r}.replace('\\x1b', '')\n"
        "case = f'<testcase file={quoteattr(name)} name={quoteattr(name)}><failure message={quoteattr(name)}/></testcase>'\n"
        "open('junit.xml', 'w').write(f'<testsuite>{case}</testsuite>')\nprint(name)\n"
    )
    return tmp_path


@pytest.mark.parametrize(("command", "codes"), [("test", {21}), ("build", {0}), ("status", {0})])
def test_hostile_names_stay_text(project, command, codes):
    """No line of the log is a command but our own; no output is another's; the summary has no markup of theirs."""
    output, summary = project.parent / f"{project.name}.out", project.parent / f"{project.name}.md"
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GITHUB_", "LOCKGATE_", "ACT"))}
    env |= {"GITHUB_ACTIONS": "true", "GITHUB_OUTPUT": str(output), "GITHUB_STEP_SUMMARY": str(summary), **NAMES}
    done = subprocess.run(
        [sys.executable, "-m", "lockgate", command], cwd=project, env=env, capture_output=True, timeout=60, check=False
    )
    assert done.returncode in codes, done.stderr
    log = (done.stdout + done.stderr).decode()
    commands = [line for line in log.replace("\r", "\n").split("\n") if line.lstrip().startswith("::") or "##[" in line]
    assert all(line.startswith(("::error ", "::warning ", "::add-mask::")) for line in commands), commands
    assert not any("::set-output" in line.removeprefix("::error title=")[:20] for line in commands)
    assert "\x1b" not in log
    assert "\u202e" not in log
    lines, names = iter(output.read_text().split("\n")), []
    for line in lines:
        if "<<" in line:
            name, _, delimiter = line.partition("<<")
            names.append(name)
            value = "\n".join(iter(lambda: next(lines), delimiter))
            if name == "result" and value:
                json.loads(value)
    assert set(names) == {"decision", "reason-code", "result", "image", "url", "evidence", "spool", "ending"}
    # What stands in code is shown as it is, and opens nothing.
    shown = re.sub(r"(`+).*?\1", "", summary.read_text() if summary.exists() else "", flags=re.DOTALL)
    assert "<script" not in shown
    assert "</td" not in shown
