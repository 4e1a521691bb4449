"""Whether a calling workflow grants what a config needs."""

from dataclasses import replace

import pytest

from lockgate.core.caller_workflow import examine
from lockgate.core.config import Approval, Config, EnvironmentConfig
from lockgate.core.config_ledger import LedgerConfig, LedgerKind
from lockgate.core.config_target import TargetConfig, TargetKind

AZURE = Config(
    "shop",
    ledger=LedgerConfig(LedgerKind.GITHUB),
    environments={
        "production": EnvironmentConfig(
            "production", target=TargetConfig(TargetKind.APP_SERVICE), approval=Approval.REQUIRED
        )
    },
)
ALL = dict.fromkeys(("deployments", "statuses", "checks", "pull-requests", "issues"), "write")
ENOUGH = {"contents": "write", "id-token": "write", "actions": "read", **ALL}
USES = "octocat/lockgate/.github/workflows/pipeline.yml@v1"


def judged(permissions, config=AZURE, uses=USES, workflow=None):
    job = {"uses": uses} | ({} if permissions is None else {"permissions": permissions})
    document = {"jobs": {"a": job}} | ({} if workflow is None else {"permissions": workflow})
    return [(check.ok, check.text) for check in examine("deploy.yml", document, config)]


def test_what_is_granted_is_enough():
    """Whether named one by one, or for the whole workflow; more is no harm here."""
    assert judged(ENOUGH) == [(True, "it grants what is needed")]
    assert judged("write-all") == [(True, "it grants what is needed")]
    assert judged(None, workflow=ENOUGH) == [(True, "it grants what is needed")]
    assert judged({"contents": "read", **ALL}, Config("shop")) == [(True, "it grants what is needed")]


@pytest.mark.parametrize(
    ("permissions", "said"),
    [
        ({**ENOUGH, "contents": "read"}, "contents: write (to keep the ledger"),
        ({**ENOUGH, "id-token": "none"}, "id-token: write (to sign in to Azure)"),
        ({name: level for name, level in ENOUGH.items() if name != "actions"}, "actions: read (to read back"),
        ("read-all", "contents: write"),
        ({}, "contents: write"),
        ("odd", "contents: write"),
        ([], "contents: write"),
    ],
)
def test_what_is_missing_is_named_with_its_reason(permissions, said):
    """The job's own permissions count, and nothing is granted that is not named."""
    ((ok, text),) = judged(permissions, workflow=ENOUGH)
    assert ok is False
    assert said in text


@pytest.mark.parametrize(
    ("given", "kind", "fits"),
    [
        (None, LedgerKind.SQLITE, False),
        ({"runner": "ubuntu-24.04"}, LedgerKind.SQLITE, False),
        ({"deploy-runner": "ours"}, LedgerKind.SQLITE, True),
        ({"runner": "${{ vars.RUNNER }}"}, LedgerKind.SQLITE, True),
        ({"state-dir": "/mnt/state"}, LedgerKind.SQLITE, True),
        (None, LedgerKind.GITHUB, True),
        (None, LedgerKind.POSTGRES, True),
    ],
)
def test_a_ledger_that_is_gone_when_the_job_ends_is_named(given, kind, fits):
    """A file on one of GitHub's own runners is no record of what runs on Azure; of another runner nobody can say."""
    config = replace(AZURE, ledger=LedgerConfig(kind))
    document = {"jobs": {"a": {"uses": USES, "permissions": ENOUGH, "with": given}}}
    checks = list(examine("deploy.yml", document, config))
    assert [check.ok for check in checks] == ([True] if fits else [True, False])
    assert fits or "`ledger: sqlite` is gone when the job ends" in checks[1].text
    assert all(check.ok for check in examine("deploy.yml", document, Config("shop")))


def test_what_may_be_left_out_is_said_to_be():
    """A report that nobody gets is no mistake."""
    ((ok, text),) = judged({"contents": "write", "id-token": "write", "actions": "read", "checks": "write"})
    assert (ok, text) == (True, "it grants what is needed; not told: deployments, statuses, pull-requests, issues")


def test_a_default_that_is_not_in_the_file_is_not_judged():
    """The repository's settings decide."""
    assert [ok for ok, _ in judged(None)] == [None]


@pytest.mark.parametrize("uses", ["acme/ci/.github/workflows/deploy.yml@v1", "./.github/workflows/deploy.yml", "", 7])
def test_other_workflows_are_none_of_ours(uses):
    """Whatever they call."""
    assert judged({}, uses=uses) == []


@pytest.mark.parametrize("document", [None, [], "x", {}, {"jobs": None}, {"jobs": []}, {"jobs": {"a": None}}])
def test_whatever_the_file_holds_does_no_harm(document):
    """A workflow is somebody's file."""
    assert list(examine("x.yml", document, AZURE)) == []
