"""The page for whoever approves: everything on it, and nothing that a commit message could forge."""

from lockgate.core.brief import Brief, Commit, page
from lockgate.core.config import EnvironmentConfig, MigrationConfig
from lockgate.core.release import Artifact, ArtifactKind, Release
from lockgate.core.rollout_model import Standing


def release(letter):
    return Release("shop", letter, letter * 40, Artifact(ArtifactKind.IMAGE, "shop", "sha256:" + letter * 64))


OLD = Standing("blue", release("a"), verified=True)


def brief(**changes):
    given = {
        "release": release("b"), "environment": EnvironmentConfig("production"), "asked": "a reviewer",
        "standing": OLD, "commits": [], "evidence": [], "repository_url": "https://github.com/ada/shop",
    } | changes  # fmt: skip
    return page(Brief(**given))


def test_it_says_what_comes_what_runs_and_what_a_rollback_returns_to():
    """Digest, plan, migrations, who is asked."""
    text = brief(commits=[Commit("c" * 40, "Ada", "Sell tea (#12)", 12)])
    assert f"image:shop@sha256:{'b' * 64}" in text
    assert "10 %, 50 %, 100 % of the traffic" in text
    assert text.count("`aaaaaaaaaaaa`") == 4  # runs now and the way back, each with commit and digest
    assert "[pull request 12](https://github.com/ada/shop/pull/12)" in text
    assert "by Ada" in text


def test_hostile_commits_stay_text():
    """Links, images, HTML, tables, mentions and workflow commands are shown, not obeyed."""
    evil = "</td><script>alert(1)</script> ![x](http://evil.example/?leak) | @everyone ::set-output name=x:: `rm` #1\x1b[2J"
    text = brief(commits=[Commit("c" * 40, "<b>Mallory</b> | x", evil, None)])
    (line,) = [line for line in text.splitlines() if "Mallory" in line]
    assert "<script" not in text
    assert "<b>" not in line
    assert "![x](" not in line
    assert " @everyone" not in line
    assert " | " not in line.replace("\\|", "")
    assert "\x1b" not in text


def test_a_long_history_is_cut_and_said_to_be():
    """The summary page has a limit of its own."""
    text = brief(commits=[Commit(f"{n:040x}", "Ada", "x" * 500, None) for n in range(101)])
    assert "and 51 more" in text
    assert len(text) < 20_000


def test_a_rollback_that_cannot_be_is_said_in_bold():
    """Nothing verified, or a migration that cannot be undone."""
    assert "**nothing**: no verified release" in brief(standing=None)
    stuck = EnvironmentConfig("production", migration=MigrationConfig(before="x", backward_compatible=False))
    assert "**nothing by itself**" in brief(environment=stuck)
    assert "NOT compatible" in brief(environment=stuck)


def test_an_unknown_history_is_not_an_empty_one():
    """A shallow checkout, or a first release."""
    assert "is not in this checkout" in brief(commits=None)
    assert "first release" in brief(standing=None, commits=None)


def scanned(**counts):
    return {"stage": "scan", "decision": "passed", "message": "clean", "facts": {"counts": {"vulnerabilities": counts}}}


def test_what_another_job_hands_on_is_shown_whatever_it_holds():
    """Staging's result is words from outside: odd types and hostile text do no harm."""
    staging = {
        "command": "deploy", "environment": "staging", "decision": "deployed", "message": "healthy | <x>",
        "budgets": [{"name": "deploy", "measured": 12.5, "limit": 300, "unit": "s", "kept": True}, None, {"measured": "x"}],
    }  # fmt: skip
    text = brief(previous=staging)
    assert "deploy 12.5 of 300 s" in text
    assert "healthy \\| &lt;x" in text
    assert "What was shown so far" in brief(previous={"budgets": 3, "message": ["x"]})


def test_coverage_and_vulnerabilities_are_set_beside_what_runs():
    """What came and what went, by severity; and a first scan has nothing to be compared with."""
    tested = {"stage": "test", "decision": "passed", "message": "12 tests", "facts": {"tests": None, "coverage": 0.934}}
    text = brief(evidence=[tested, scanned(HIGH=2, LOW=1)], serving=[scanned(HIGH=1, LOW=4)])
    assert "coverage 93.4%" in text
    assert "2 high, 1 low; \\+1 high, -3 low" in text
    assert "nothing to compare with" in brief(evidence=[scanned(HIGH=2)])
    assert "as many as now" in brief(evidence=[scanned(HIGH=2)], serving=[scanned(HIGH=2)])


def test_what_it_weighs_stands_on_the_page():
    """Where it is known."""
    assert "What it weighs" in brief(sizes="| part |")
    assert "What it weighs" not in brief()
