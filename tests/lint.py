"""`python -m tests.lint`: every check of the code's form, a line each; ends with 1 where one of them fails.

The checks run from the environment of this interpreter. What a check says is shown only where it fails.
"""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BIN = Path(sys.executable).parent
STOREFRONT = "examples/storefront"
# Expressions, contexts, inputs, outputs, needs, and the shell in every `run`. A fork of actionlint that knows `$/`.
ACTIONLINT = ("jactionlint", "--oneline", "--no-hints", "--no-color", "--strict-exit")


@dataclass(frozen=True, slots=True)
class Check:
    """One program that says yes or no."""

    name: str
    argv: Sequence[str]
    cwd: str = "."


def checks(files: Sequence[str]) -> list[Check]:
    """Give all checks; `files` are the repository's."""
    workflows = [f for f in files if "/.github/workflows/" in f"/{f}" and f.endswith((".yml", ".yaml"))]
    dockerfiles = [f for f in files if Path(f).name == "Dockerfile" or f.endswith(".Dockerfile")]
    shell = [f for f in files if f.endswith(".sh") or f == ".ci/run"]
    # Composite actions: ours, and the stand-ins that the tests use.
    actions = [f for f in files if Path(f).name == "action.yml"]
    uv = str(ROOT / ".cache" / "bin" / "uv")
    schema = ["check-jsonschema", "--builtin-schema"]
    mypy = ["mypy", "--follow-imports=silent"]  # what these import of the tests is held to less
    samples = [f for f in workflows if f.startswith(STOREFRONT)]
    zizmor = ["zizmor", "--offline", "--quiet", "--persona", "pedantic", "--config", ".github/zizmor.yml"]
    return [
        Check("ruff format", ["ruff", "format", "--check", "."]),
        Check("ruff check", ["ruff", "check", "."]),
        Check("mypy: lockgate", ["mypy"]),
        Check("mypy: demo, bench, lint", [*mypy, "examples/demo", "bench", "scripts/bootstrap.py", "tests/lint.py"]),
        Check("mypy: storefront", [uv, "run", "--quiet", "--locked", "--group", "lint", "mypy"], STOREFRONT),
        Check("zizmor", [*zizmor, "action.yml", ".github", STOREFRONT]),
        Check("actionlint", ACTIONLINT),
        Check("actionlint: samples", [*ACTIONLINT, "--profile", "correctness", *samples]),
        Check("hadolint", ["hadolint", *dockerfiles]),
        Check("shellcheck", ["shellcheck", *shell]),
        Check("workflow schema", [*schema, "vendor.github-workflows", *workflows]),
        Check("action schema", [*schema, "vendor.github-actions", *actions]),
        Check("dependabot schema", [*schema, "vendor.dependabot", ".github/dependabot.yml"]),
        Check("schemas", ["check-jsonschema", "--check-metaschema", *(f for f in files if f.endswith(".schema.json"))]),
    ]


def run(check: Check) -> bool:
    """Run a check and say how it ended."""
    started = time.monotonic()
    # The storefront's environment is its own; the rest finds its programs beside this interpreter.
    env = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    env["PATH"] = f"{BIN}{os.pathsep}{env.get('PATH', os.defpath)}"
    print(f"{check.name:<24} ", end="", flush=True)
    try:
        done = subprocess.run(check.argv, cwd=ROOT / check.cwd, env=env, capture_output=True, text=True, check=False)
        code, said = done.returncode, done.stdout + done.stderr
    except OSError as error:
        code, said = 127, f"{check.argv[0]}: {error.strerror}"
    print(f"{'ok' if code == 0 else 'failed':<7} {time.monotonic() - started:5.1f} s", flush=True)
    if code != 0:
        print(said.strip() or f"ended with code {code} and said nothing", flush=True)
    return code == 0


def main() -> int:
    """Run all checks."""
    listing = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listing, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    results = [run(check) for check in checks([f for f in files if (ROOT / f).is_file()])]
    return 0 if all(results) else 1


if __name__ == "__main__":
    raise SystemExit(main())
