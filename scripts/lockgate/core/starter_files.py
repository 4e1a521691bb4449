"""The text of the files that `init` writes, from their templates and the choices made."""

import json
import re
from string import Template

from lockgate.core.starter import Starter

_PLAIN = re.compile(r"[A-Za-z/][\w ./=$,@+&-]*[\w/]|/")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "y", "n"})


def config(template: str, starter: Starter, *, repository: str, ref: str) -> str:
    """Fill in lockgate.yml."""
    reports = [
        f'  {kind}: ""' for kind, there in (("junit", starter.junit), ("coverage", starter.coverage)) if not there
    ]
    details = []
    if starter.build.value != "bundle":
        details += [f"  # {starter.port.why}", f"  port: {starter.port.value}"]
    if starter.start.value:
        details += [f"  # {starter.start.why}", "  bundle:"]
        details += [f"    command: {_text(starter.prepare)}"] if starter.prepare else []
        details += [f"    start: {_text(starter.start.value)}"]
    return Template(template).substitute(
        repository=repository,
        ref=ref,
        service=_text(starter.service),
        test_why=_comment(starter.test.why),
        test_command=_text(starter.test.value),
        test_reports="".join(f"{line}\n" for line in reports),
        build_why=_comment(starter.build.why),
        build_kind=starter.build.value,
        build_details="".join(f"{line}\n" for line in details),
        probe_why=_comment(starter.probe.why),
        probe_path=_text(starter.probe.value),
    )


def workflow(template: str, *, name: str, repository: str, ref: str, branch: str, config_path: str) -> str:
    """Fill in a caller workflow; `config_path` is relative to the repository."""
    return Template(template).substitute(
        name=_text(name),
        repository=repository,
        ref=ref,
        branch=branch,
        config=_comment(config_path),
        path=_text(config_path),
    )


def _text(value: str) -> str:
    """Write text as YAML: plain where nobody could read it as something else, else quoted."""
    return value if _PLAIN.fullmatch(value) and value.lower() not in _WORDS else json.dumps(value, ensure_ascii=False)


def _comment(text: str) -> str:
    return " ".join(text.split())
