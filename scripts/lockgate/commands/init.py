"""`lockgate init`: write a lockgate.yml and the caller workflows for the repository it stands in, and say why so."""

import argparse
import re
from pathlib import Path

from lockgate import __version__
from lockgate.adapters import repository
from lockgate.adapters.state import disk_full
from lockgate.commands.project import Project
from lockgate.core import markdown, starter_files
from lockgate.core.reasons import Decision, Reason
from lockgate.core.result import Result
from lockgate.core.starter import Starter, choose
from lockgate.errors import FileExistsAlreadyError, StateNotWritableError, UsageError

TEMPLATES = Path(__file__).parent.parent / "templates"
UNKNOWN = "OWNER/lockgate"
FIRST = "v1"
"""The first release, which a version before it writes."""
_PATHS = 'give each deploy workflow its `paths` under `on: push`, here `paths: ["{}/**"]` (docs/github.md)'
_WORKFLOWS = {"deploy.yml": "Deploy", "rollback.yml": "Roll back"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where Lockgate is called from, and whether files may be overwritten."""
    parser.add_argument("--uses", metavar="OWNER/REPOSITORY@REF", help="the Lockgate that the workflow calls")
    parser.add_argument("--force", action="store_true", help="overwrite files that are there")


def run(project: Project, arguments: argparse.Namespace) -> Result:
    """Look, choose, write; nothing is written if any file is there already."""
    lockgate, ref = _uses(project, arguments.uses)
    found = repository.look(project.root)
    starter = choose(found)
    top = repository.top(project.root)
    config_path = project.config_path.relative_to(top).as_posix()
    workflows = top / ".github" / "workflows"
    own = starter.service if _belongs_to_another(workflows / "deploy.yml", config_path) else ""
    texts = {
        project.config_path: starter_files.config(_template("lockgate.yml"), starter, repository=lockgate, ref=ref),
        **{
            workflows / (name.replace(".", f"-{own}.") if own else name): starter_files.workflow(
                _template(name),
                name=f"{title} {own}".strip(),
                repository=lockgate,
                ref=ref,
                branch=repository.branch(top),
                config_path=config_path,
            )
            for name, title in _WORKFLOWS.items()
        },
    }
    _refuse_to_overwrite(texts, top, force=arguments.force)
    for path, text in texts.items():
        _write(path, text)
        project.console.good(f"wrote {path.relative_to(top)}")
    reasons = _reasons(starter)
    for name, why in reasons.items():
        project.console.step(f"{name}: {why}")
    to_do = [f"add {one}" for one in starter.missing]
    if own:
        to_do.append(f"have each service ship alone: {_PATHS.format(Path(config_path).parent)}")
    if lockgate == UNKNOWN:
        to_do.append("replace OWNER in these files by the owner of your Lockgate, or run again with --uses and --force")
    for one in to_do:
        project.console.warn(one)
    project.console.step("next: lockgate validate")
    written = [path.relative_to(top).as_posix() for path in texts]
    message = f"Wrote {' and '.join(written)}."
    data = {"written": written, "chosen": reasons, "to_do": to_do}
    summary = f"### ✓ {markdown.escape(message)}\n\n" + "\n".join(f"- {markdown.escape(one)}" for one in to_do)
    return Result("init", Decision.PASSED, Reason.OK, message, service=starter.service, data=data, summary=summary)


def _belongs_to_another(workflow: Path, config_path: str) -> bool:
    """Whether a workflow is there that ships another service of the repository than that of a folder in it."""
    if "/" not in config_path or not workflow.is_file():
        return False
    named = rf'(?m)^ +config: "?{re.escape(config_path)}"? *(?:#|$)'
    return not re.search(named, workflow.read_text(encoding="utf-8", errors="replace"))


def _uses(project: Project, given: str | None) -> tuple[str, str]:
    if given is None:
        return repository.own_name(project.runner.bare_env()) or UNKNOWN, release_tag(__version__)
    match = re.fullmatch(r"([\w.-]+/[\w.-]+)@([\w./-]+)", given)
    if not match:
        raise UsageError(
            f'--uses: expected OWNER/REPOSITORY@REF, got "{given}".', fix="For example octocat/lockgate@v1."
        )
    return match[1], match[2]


def release_tag(version: str) -> str:
    """Give the tag of a version's release: its numbers without the zeros at the end; a tag is never moved."""
    return f"v{re.sub(r'(?:[.]0)+$', '', version)}" if re.fullmatch(r"[1-9]\d*(?:[.]\d+){2}", version) else FIRST


def _reasons(starter: Starter) -> dict[str, str]:
    reasons = {
        "tests": starter.test.why,
        "build": f"{starter.build.value}. {starter.build.why}",
        "start": starter.start.why if starter.build.value != "bundle" else "",
        "port": starter.port.why if starter.build.value != "bundle" else "",
        "probe": starter.probe.why,
    }
    return {name: why for name, why in reasons.items() if why}


def _refuse_to_overwrite(texts: dict[Path, str], top: Path, *, force: bool) -> None:
    there = [str(path.relative_to(top)) for path in texts if path.exists() or path.is_symlink()]
    if there and not force:
        raise FileExistsAlreadyError(
            f"{' and '.join(there)} {'is' if len(there) == 1 else 'are'} there already; nothing was written.",
            fix="Move what is there away, or overwrite it with --force.",
        )


def _write(path: Path, text: str) -> None:
    beside = path.with_name(f".{path.name}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            beside.write_text(text, encoding="utf-8")
            beside.replace(path)
        except OSError:
            beside.unlink(missing_ok=True)
            raise
    except OSError as error:
        if full := disk_full(error, path):
            raise full from error
        raise StateNotWritableError(
            f"{path} cannot be written: {error.strerror or error}.", fix="Run it in a repository that you may write to."
        ) from error


def _template(name: str) -> str:
    return (TEMPLATES / name).read_text(encoding="utf-8")
