"""What `lockgate --help` says. Kept apart, so that asking for help loads nothing else."""

from lockgate import __version__

COMMANDS = {
    "init": "write a lockgate.yml and a caller workflow for this repository",
    "validate": "check lockgate.yml and report every problem at once",
    "test": "run the tests, read their reports, hold the coverage to its minimum",
    "scan": "scan the source, or an artifact by its digest, with Trivy and decide by the policy",
    "rescan": "scan what runs in each environment again, and report what is new",
    "build": "build one immutable artifact and name it by its digest",
    "plan": "what a deploy would do, without doing it; or the job matrix for many targets",
    "brief": "what whoever approves should know, and whether anybody will be asked",
    "deploy": "roll a release out to one environment, blue-green, behind the gate",
    "rollback": "return an environment to its previous verified release, and verify it",
    "adopt": "judge what runs already and record it as verified, so that it can be returned to",
    "gate": "judge recorded samples, or a live URL, as a rollout would",
    "recover": "finish or undo a rollout that was cut off",
    "doctor": "check what a deploy on GitHub needs, and say what to put right",
    "run": "the whole pipeline on this machine: test, scan, build, staging, approval, production",
    "stop": "end what runs in a local environment",
    "status": "what runs where",
    "board": "every deployment, live in a browser",
    "history": "what was deployed, when, by whom, and how it ended",
    "ledger": "verify, export, replay, migrate or trim the record of what was done",
    "metrics": "how often, how fast, how often wrong, how long until right again",
}

HELP = f"""usage: lockgate COMMAND [options]

Ship a containerised web service through health gates, with verified rollback.

commands:
{chr(10).join(f"  {name:<9} {text}" for name, text in COMMANDS.items())}

options:
  -h, --help     show this, or with a command its options
  --version      show the version
"""


def answer(arguments: list[str]) -> str | None:
    """Give the text that answers the command line by itself; None where a command has to run."""
    if not arguments or arguments[0] in {"-h", "--help", "help"}:
        return HELP
    return f"lockgate {__version__}\n" if arguments[0] == "--version" else None
