"""How a fleet is told: one sentence, the result's data, and Markdown for the job summary."""

from collections.abc import Iterator
from typing import Any

from lockgate.core import markdown
from lockgate.core.fleet import Ending, Fleet, Stage
from lockgate.core.reasons import Outcome
from lockgate.core.release import Release

_TITLES = {
    Outcome.DEPLOYED: "✓ deployed",
    Outcome.ABORTED: "✗ aborted: it took traffic nowhere",
    Outcome.ROLLED_BACK: "↩ rolled back everywhere, and each restored release was judged healthy",
    Outcome.BROKEN: "✗ broken: a person is needed",
}


def headline(fleet: Fleet, ended: Ending, release: Release) -> str:
    """One sentence for how a fleet ended."""
    count = f"{len(fleet.stages)} targets" if len(fleet.stages) > 1 else "its target"
    match ended.outcome:
        case Outcome.DEPLOYED:
            return f"{release.version} serves all traffic of {count} and was judged healthy in each"
        case Outcome.ABORTED:
            return f"{release.version} took traffic nowhere: {ended.message}"
        case Outcome.ROLLED_BACK:
            why = f"{release.version} went because of {ended.message}"
            return f"the release before serves every target and was judged healthy; {why}"
        case _:
            broken = [name for name, one in fleet.endings.items() if one.outcome in {Outcome.BROKEN, None}]
            return f"{', '.join(broken) or 'the fleet'} needs a person; it began with {ended.message}"


def rows(fleet: Fleet) -> Iterator[tuple[str, str, str, str, str]]:
    """Give target, wave, outcome, reason and message of each."""
    for number, wave in enumerate(fleet.waves, 1):
        for name in wave:
            ending = fleet.endings.get(name)
            if ending is None:
                at = fleet.stages[name]
                yield name, str(number), "not started" if at is Stage.WAITING else at.value, "", ""
            else:
                outcome = ending.outcome.value if ending.outcome else "to be recovered"
                yield name, str(number), outcome, ending.reason.value, ending.message


HEADER = ("target", "wave", "outcome", "reason", "message")


def data(fleet: Fleet, ended: Ending, identifier: str) -> dict[str, Any]:
    """Give what only a fleet has to say, for the result's JSON."""
    return {
        "fleet": identifier,
        "outcome": ended.outcome.value if ended.outcome else "",
        "waves": [list(wave) for wave in fleet.waves],
        "failed": ended.member,
        "members": {
            name: {"wave": int(wave), "outcome": outcome, "reason_code": reason, "message": message}
            for name, wave, outcome, reason, message in rows(fleet)
        },
    }


def summary(fleet: Fleet, ended: Ending, release: Release, where: str) -> str:
    """Give the Markdown of the job summary."""
    told = [
        [markdown.escape(name), wave, outcome, markdown.code(reason) if reason else "", markdown.escape(message)]
        for name, wave, outcome, reason, message in rows(fleet)
    ]
    title = (
        f"{_TITLES[ended.outcome or Outcome.BROKEN]}: {markdown.escape(release.service)} in {markdown.escape(where)}"
    )
    return "\n\n".join(
        [f"### {title}", markdown.escape(headline(fleet, ended, release)) + ".", markdown.table(HEADER, told)]
    )
