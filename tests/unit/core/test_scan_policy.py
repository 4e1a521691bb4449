"""The policy: exceptions with an end, what is inherited from what runs, the absolute limit; and that nothing is lost."""

from collections import Counter
from dataclasses import replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.core.running import Running
from lockgate.core.scan_exceptions import Exceptions, Rule
from lockgate.core.scan_policy import Policy, judge
from lockgate.core.vulnerability import Finding, Kind, Severity

TODAY = date(2026, 11, 25)
BLOCK = frozenset({Severity.CRITICAL, Severity.HIGH})
POLICY = Policy(BLOCK, ignore_unfixed=False)


def vulnerability(name="CVE-0000-0001", package="pypi/leaky", version="1.0", severity=Severity.HIGH, file="r.txt"):
    subject = f"{package.rpartition('/')[2]} {version}"
    return Finding(Kind.VULNERABILITY, name, severity, "made up", file, subject=subject, package=package)


def rule(name="CVE-0000-0001", package="leaky", days=30):
    return Rule(name, package, "why", "ann", TODAY + timedelta(days=days))


def running(*findings, **packages):
    return Running("image:shop@sha256:0", findings, {f"pypi/{k}": frozenset(v) for k, v in packages.items()})


@pytest.mark.parametrize(
    ("days", "accepted", "ending", "ended"), [(30, 1, 0, 0), (8, 1, 0, 0), (7, 1, 1, 0), (0, 1, 1, 0), (-1, 0, 0, 1)]
)
def test_an_exception_ends_after_its_last_day_and_says_so_a_week_before(days, accepted, ending, ended):
    """Its last day counts; the day after, its finding blocks again."""
    verdict = judge([vulnerability()], POLICY, Exceptions((rule(days=days),), TODAY))
    assert (len(verdict.accepted), len(verdict.ending), len(verdict.ended)) == (accepted, ending, ended)
    assert verdict.passed is bool(accepted)


def test_an_exception_is_for_one_package():
    """The same vulnerability in another package blocks; an unused one is named, one below the policy is not."""
    other = rule(package="another")
    verdict = judge([vulnerability()], POLICY, Exceptions((other,), TODAY))
    assert (verdict.passed, verdict.unused) == (False, (other,))
    low = [vulnerability(severity=Severity.LOW)]
    assert judge(low, POLICY, Exceptions((rule(),), TODAY)).unused == ()


def test_an_exception_for_a_secret_names_its_file():
    """`*` stands for anything, also over folders."""
    secret = Finding(Kind.SECRET, "aws-access-key-id", Severity.CRITICAL, "a key", "tests/fixtures/key.py", 3)
    accepted = Rule("AWS-access-key-id", "tests/*", "a fixture", "ann", TODAY)
    assert judge([secret], POLICY, Exceptions((accepted,), TODAY)).used == (accepted,)


def test_what_runs_already_does_not_block():
    """Found there, or disclosed since in the same version of the package; another version is new."""
    old, disclosed = vulnerability(), vulnerability("CVE-0000-0002", "pypi/other", "2.0")
    verdict = judge([old, disclosed], POLICY, running=running(old, other={"2.0"}))
    assert (verdict.passed, verdict.inherited) == (True, (old, disclosed))
    assert not judge([disclosed], POLICY, running=running(old, other={"1.9"})).passed


def test_the_same_finding_is_known_in_another_version_and_file():
    """An upgrade that does not fix it is not a new finding."""
    again = vulnerability(version="1.1", file="poetry.lock")
    assert judge([again], POLICY, running=running(vulnerability())).inherited == (again,)


def test_a_secret_is_never_inherited():
    """It is somebody's change, and can be revoked now."""
    secret = Finding(Kind.SECRET, "aws", Severity.CRITICAL, "a key", "a.py")
    assert not judge([secret], POLICY, running=running(secret)).passed


def test_what_a_release_fixes_is_told():
    """Found in what runs, and not in the release; what the policy does not block is no news."""
    gone, low = vulnerability(), vulnerability("CVE-0000-0003", severity=Severity.LOW)
    assert judge([], POLICY, running=running(gone, low)).fixed == (gone,)


@pytest.mark.parametrize(("limit", "passed"), [(2, True), (1, False), (0, False)])
def test_the_absolute_limit(limit, passed):
    """More than the limit of a severity block, inherited or not; accepted ones do not count."""
    old = [vulnerability(), vulnerability("CVE-0000-0002")]
    policy = Policy(BLOCK, ignore_unfixed=False, limit={Severity.HIGH: limit})
    verdict = judge([*old, vulnerability("CVE-0000-0009")], policy, Exceptions((rule("CVE-0000-0009"),), TODAY),
                    running(*old))  # fmt: skip
    assert (verdict.passed, bool(verdict.over)) == (passed, not passed)


@pytest.mark.parametrize(
    ("block", "ignore_unfixed", "severity", "fixed_in"),
    [
        (BLOCK, True, Severity.MEDIUM, "2.0"),
        (BLOCK, True, Severity.CRITICAL, ""),
        (frozenset(), False, Severity.LOW, ""),
    ],
    ids=["no severity that blocks", "no fix yet", "nothing blocks"],
)
def test_the_limit_counts_what_the_policy_lets_through(block, ignore_unfixed, severity, fixed_in):
    """A severity below `block` and a vulnerability without a fix count too, unless an exception accepts them."""
    found = [replace(vulnerability(f"CVE-0000-000{n}", severity=severity), fixed_in=fixed_in) for n in (1, 2)]
    policy = Policy(block, ignore_unfixed, limit={severity: 1})
    verdict = judge(found, policy)
    assert (verdict.blocking, verdict.tolerated, verdict.over) == (tuple(found), (), (severity,))
    verdict = judge(found[:1], policy)
    assert (verdict.blocking, verdict.tolerated, verdict.over) == ((), tuple(found[:1]), ())
    accepted = rule("CVE-0000-0002")
    verdict = judge(found, policy, Exceptions((accepted,), TODAY))
    assert (verdict.passed, verdict.used, verdict.tolerated) == (True, (accepted,), tuple(found[:1]))
    ended = rule("CVE-0000-0002", days=-1)
    assert judge(found, policy, Exceptions((ended,), TODAY)).ended == (ended,)


def test_the_limit_is_for_vulnerabilities():
    """Nothing else counts towards it, and nothing else is stopped by it."""
    mistake = Finding(Kind.MISCONFIGURATION, "DS-0001", Severity.MEDIUM, "made up", "Dockerfile")
    policy = Policy(BLOCK, ignore_unfixed=False, limit={Severity.MEDIUM: 0})
    assert judge([mistake], policy).passed
    verdict = judge([mistake, vulnerability(severity=Severity.MEDIUM)], policy)
    assert (verdict.tolerated, len(verdict.blocking)) == ((mistake,), 1)


def test_licences():
    """A name or a pattern blocks, whatever severity Trivy gives it; any other is counted."""
    policy = Policy(BLOCK, ignore_unfixed=True, licences=("AGPL-3.0*",))
    licences = [Finding(Kind.LICENCE, name, Severity.LOW, name, "METADATA") for name in ("agpl-3.0-only", "MIT")]
    assert [one.id for one in judge(licences, policy).blocking] == ["agpl-3.0-only"]


FINDINGS = st.builds(
    Finding,
    kind=st.sampled_from(Kind),
    id=st.sampled_from(["CVE-0000-0001", "CVE-0000-0002", "MIT"]),
    severity=st.sampled_from(Severity),
    title=st.just(""),
    file=st.sampled_from(["a", "b"]),
    subject=st.sampled_from(["leaky 1.0", "leaky 2.0", ""]),
    package=st.sampled_from(["pypi/leaky", "pypi/other", ""]),
)
RULES = st.builds(
    Rule,
    st.sampled_from(["CVE-0000-0001", "MIT"]),
    st.sampled_from(["leaky", "*", "b"]),
    st.just("why"),
    st.just("ann"),
    st.dates(TODAY - timedelta(days=9), TODAY + timedelta(days=9)),
)
POLICIES = st.builds(
    Policy,
    st.frozensets(st.sampled_from(Severity)),
    st.booleans(),
    st.sampled_from([(), ("MIT",)]),
    st.dictionaries(st.sampled_from(Severity), st.integers(0, 3), max_size=2),
)


@settings(max_examples=60)
@given(st.lists(FINDINGS), POLICIES, st.lists(RULES, max_size=3), st.lists(FINDINGS, max_size=4))
def test_every_finding_is_in_exactly_one_group(findings, policy, rules, old):
    """Whatever is accepted, inherited or limited, none is lost and none is counted twice."""
    verdict = judge(findings, policy, Exceptions(tuple(rules), TODAY), running(*old))
    assert sorted(map(repr, verdict.found)) == sorted(map(repr, findings))
    assert all(policy.blocks(one) for one in verdict.inherited)
    assert all(policy.blocks(one) or (policy.limits(one) and one.severity in verdict.over) for one in verdict.blocking)
    standing = Counter(one.severity for one in (*verdict.inherited, *verdict.tolerated) if policy.limits(one))
    assert all(standing[severity] <= most for severity, most in policy.limit.items())
    assert not {one.key for one in verdict.fixed} & {one.key for one in findings}


@settings(max_examples=60)
@given(st.lists(FINDINGS), POLICIES, st.lists(FINDINGS, max_size=4))
def test_shipping_what_runs_again_is_never_stopped_without_a_limit(findings, policy, more):
    """Nobody is stopped from shipping the fix by an old finding: fewer vulnerabilities than what runs always pass."""
    policy = Policy(policy.block, policy.ignore_unfixed, policy.licences)
    old = [one for one in findings if one.kind is Kind.VULNERABILITY]
    assert judge(old, policy, running=running(*old, *more)).passed
