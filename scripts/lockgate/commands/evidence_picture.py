"""Keep the plot of a rollout's evidence beside its result."""

from collections.abc import Sequence

from lockgate.adapters.state import write_atomically
from lockgate.commands.project import Project
from lockgate.core import evidence_chart
from lockgate.core.rollout_model import Watch
from lockgate.core.samples import GateReport
from lockgate.errors import StateError


def keep(project: Project, name: str, reports: Sequence[tuple[Watch, GateReport]]) -> None:
    """Write results/NAME.svg in the state directory. A picture that cannot be written changes no outcome."""
    if not reports:
        return
    labelled = [(watch.value.replace("_", " "), report) for watch, report in reports]
    try:
        write_atomically(project.result_file(f"{name}.svg"), evidence_chart.watches(labelled))
    except StateError as error:
        project.console.warn(f"the plot of the evidence could not be kept: {error.what}")
