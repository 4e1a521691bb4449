"""What comments in the source hide from Trivy: each is a finding, so that nobody switches the scan off by one.

Trivy 0.76.0 obeys `trivy:ignore:RULE` and `tfsec:ignore:RULE` in Terraform and CloudFormation, where its debug log says
what it left out (`core.trivy_log`), and in Dockerfiles, where it says nothing at all: there the text is looked through.
It obeys them wherever they stand in a line, also where that is no comment. In Kubernetes, Helm, Ansible and ARM it does
not. Tests run the pinned version to hold all of that true.
"""

import re
from collections.abc import Iterator

from lockgate.core.redaction import printable, shorten
from lockgate.core.vulnerability import Finding, Kind, Severity

LIMIT_BYTES = 10_000_000
"""No Dockerfile is longer."""
_MARK = re.compile(rb"(?:trivy|tfsec):(?:[^ \n]*:)?ignore:([^ \n:\[]*)")
_CHARACTERS = 300


def hidden(rule: str, file: str, line: int = 0) -> Finding:
    """Make the finding: how bad it is what is hidden, nobody knows."""
    return Finding(
        kind=Kind.MISCONFIGURATION,
        id="".join(_shown(rule).split()) or "*",
        severity=Severity.UNKNOWN,
        title="hidden from the scan by the source",
        file=_shown(file),
        line=line,
        advice="take the comment out and mend what it hides, or add an exception with an owner and an end",
        hidden=True,
    )


def in_dockerfile(content: bytes, file: str) -> Iterator[Finding]:
    """Yield what a Dockerfile asks to be ignored; all of it where it is too long to be looked through."""
    if len(content) > LIMIT_BYTES:
        yield hidden("*", file)
        return
    for match in _MARK.finditer(content):
        yield hidden(match[1].decode(errors="replace"), file, content.count(b"\n", 0, match.start()) + 1)


def _shown(text: str) -> str:
    return shorten(" ".join(printable(text).split()), _CHARACTERS)
