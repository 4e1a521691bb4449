"""Whether rules make a person approve, and whose approval counts."""

import pytest

from lockgate.core.config import Approval
from lockgate.core.protection import Protection, Review, Reviewed, Run, approver, examine, reviewed

GOOD = Protection("production", True, ("grace",), True, "protected")


def bad(protection, approval=Approval.REQUIRED):
    return [one.text for one in examine(protection, approval) if not one.ok]


def test_a_guarded_environment_has_nothing_to_put_right():
    """Reviewers, no self-review, a limit on branches."""
    assert bad(GOOD) == []


@pytest.mark.parametrize(
    ("protection", "said"),
    [
        (Protection("production", exists=False), "does not exist"),
        (Protection("production", True, (), True, "protected"), "nobody is asked"),
        (Protection("production", True, ("grace",), False, "protected"), "may approve it"),
        (Protection("production", True, ("grace",), True, ""), "any branch"),
        (Protection("production", True, ("grace",), True, "custom", ("release/*", "**")), "any branch"),
    ],
)
def test_each_missing_rule_is_named_with_how_to_switch_it_on(protection, said):
    """One finding, and a fix beside it."""
    (one,) = [one for one in examine(protection, Approval.REQUIRED) if not one.ok]
    assert said in one.text
    assert one.fix


def test_protected_branches_mean_nothing_while_none_is_protected():
    """GitHub then lets every branch deploy; of a run it is known, from a laptop it is only said."""
    (one,) = [one for one in examine(GOOD, Approval.REQUIRED, protected_ref=False) if not one.ok]
    assert "while none is, GitHub lets every one" in one.text
    assert all(one.ok for one in examine(GOOD, Approval.REQUIRED, protected_ref=True))
    assert any("as long as one is protected" in one.text for one in examine(GOOD, Approval.REQUIRED))


def test_self_review_may_be_allowed_by_the_config():
    """A team of one says so, and still has to approve."""
    assert bad(Protection("production", True, ("ada",), False, "custom"), Approval.ANY_REVIEWER) == []


ADAS = Run(1, frozenset({"ada"}))


def review(who, state="approved", environment="production"):
    return Review(who, state, frozenset({environment}))


@pytest.mark.parametrize(
    ("reviews", "who"),
    [
        ([], ""),
        ([review("grace")], "grace"),
        ([review("ada")], ""),
        ([review("ADA")], ""),
        ([review("ada"), review("grace")], "grace"),
        ([review("grace", "rejected")], ""),
        ([review("grace", "pending")], ""),
        ([review("grace", environment="staging")], ""),
    ],
)
def test_only_somebody_elses_approval_of_this_environment_counts(reviews, who):
    """Not the author's under any spelling, not a rejection, not one for another environment."""
    found, problem = approver(reviews, "production", Approval.REQUIRED, ADAS, before=Reviewed())
    assert found == who
    assert bool(problem) is not bool(who)


def test_the_authors_own_counts_where_the_config_says_so():
    """And is recorded as theirs."""
    assert approver([review("ada")], "production", Approval.ANY_REVIEWER, ADAS, before=Reviewed())[0] == "ada"
    assert approver([], "production", Approval.ANY_REVIEWER, ADAS, before=Reviewed())[0] == ""


GRACE, LINUS, NO = review("grace"), review("linus"), review("grace", "rejected")


@pytest.mark.parametrize(
    ("now", "attempt", "before", "who", "problem"),
    [
        # The page was written in this attempt: only what came after it counts, in whatever order GitHub lists it.
        ([GRACE, LINUS], 2, (2, [GRACE]), "linus", ""),
        ([LINUS, GRACE], 2, (2, [GRACE]), "linus", ""),
        ([GRACE, GRACE], 2, (2, [GRACE]), "grace", ""),
        ([GRACE], 2, (2, [GRACE]), "", "no review of this run since this attempt began"),
        ([GRACE, NO], 2, (2, [GRACE]), "", "no review of this run since this attempt began"),
        ([GRACE, review("ada")], 2, (2, [GRACE]), "", "ada approved their own change"),
        # Only the job behind the gate ran again: each attempt since the page must have its own answer.
        ([GRACE, LINUS], 2, (1, []), "linus", ""),
        ([NO, LINUS], 2, (1, []), "linus", ""),
        ([GRACE], 2, (1, []), "", "attempt 2 of the run"),
        ([GRACE, review("ada")], 2, (1, []), "", "attempt 2 of the run"),
        ([GRACE, LINUS, GRACE], 4, (2, [GRACE]), "", "2 that count are not enough for the 3 since attempt 2"),
        # No page, or one that cannot be of this run: as if nothing had been said before the first attempt.
        ([GRACE], 1, None, "grace", ""),
        ([GRACE], 3, None, "", "attempt 3 of the run"),
        ([GRACE], 2, (7, []), "", "attempt 2 of the run"),
    ],
)
def test_a_review_of_an_earlier_attempt_does_not_stand_for_this_one(now, attempt, before, who, problem):
    """An administrator may let an attempt through without one, and GitHub's list does not tell them apart."""
    known = reviewed(before[1], "production", before[0]) if before else Reviewed()
    run = Run(attempt, frozenset({"ada"}))
    found, said = approver(now, "production", Approval.REQUIRED, run, before=known)
    assert (found, bool(said)) == (who, not who)
    assert problem in said
    assert Reviewed.from_dict(known.to_dict()) == known


@pytest.mark.parametrize(
    "data",
    [None, [], "1", {}, {"attempt": 0, "answers": []}, {"attempt": "2", "answers": []}, {"attempt": 2, "answers": {}},
     {"attempt": 2, "answers": [["grace"]]}, {"attempt": 2, "answers": [["grace", 1]]}],
)  # fmt: skip
def test_what_does_not_say_what_was_reviewed_before_says_nothing(data):
    """Then every attempt needs its own."""
    assert Reviewed.from_dict(data) == Reviewed()
