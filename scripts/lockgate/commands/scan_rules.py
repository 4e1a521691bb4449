"""The policy and the exceptions that a project's config names, OpenVEX documents included."""

from lockgate.commands.project import Project
from lockgate.core import openvex, scan_rules
from lockgate.core.scan_exceptions import Exceptions
from lockgate.errors import VexMalformedError


def exceptions(project: Project) -> Exceptions:
    """Read all exceptions as of today; raise VexMalformedError."""
    rules = list(scan_rules.rules(project.config.scan))
    for name in project.config.scan.vex:
        path = project.root / name
        try:
            with path.open("rb") as file:
                rules += openvex.read(file.read(openvex.LIMIT_BYTES + 1), name)
        except (OSError, ValueError, AttributeError) as error:
            raise VexMalformedError(
                f"{path} cannot be read as OpenVEX: {error}.",
                why="What it says would have been let through; nothing was judged.",
                fix="Mend the document, or take it out of scan.vex.",
            ) from error
    return Exceptions(tuple(rules), project.clock.now().date())
