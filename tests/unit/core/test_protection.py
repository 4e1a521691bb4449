"""Whether rules make a person approve, and whose approval counts."""

import pytest

from lockgate.core.config import Approval
from lockgate.core.protection import Protection, Review, approver, examine

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
    found, problem = approver(reviews, "production", Approval.REQUIRED, involved={"ada"})
    assert found == who
    assert bool(problem) is not bool(who)


def test_the_authors_own_counts_where_the_config_says_so():
    """And is recorded as theirs."""
    assert approver([review("ada")], "production", Approval.ANY_REVIEWER, involved={"ada"})[0] == "ada"
    assert approver([], "production", Approval.ANY_REVIEWER, involved={"ada"})[0] == ""
