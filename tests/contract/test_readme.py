"""What the README claims of this repository can be counted in it."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
GITHUBS_OWN = "`actions/*`; `github/codeql-action` in the optional code-scanning workflow"


def test_the_first_screen_says_what_it_is_how_far_it_is_and_how_to_try_it():
    """Where it deploys, that it was not run there yet, and two commands that there are."""
    screen = README.partition("```text")[0]
    sentence, status = screen.split("\n\n")[1:3]
    for word in ("GitHub Actions", "Azure App Service", "Azure Container Apps", "one host", "one statistical gate"):
        assert word in " ".join(sentence.split())
    assert "not yet run on GitHub or Azure" in status
    commands = re.findall(r"^make (\S+) ", screen, re.MULTILINE)
    assert commands == ["demo", "test"]
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert all(re.search(rf"^{target}:", makefile, re.MULTILINE) for target in commands)


def test_the_workflow_has_as_many_lines_as_are_claimed():
    """Those that say something."""
    claimed = int(re.search(r"`\.github/workflows/deploy\.yml`, (\d+) lines:", README)[1])
    (shown,) = re.findall(r"^```yaml\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert len([line for line in shown.splitlines() if line.strip()]) == claimed


def test_what_make_test_leaves_out_is_said():
    """By every page that speaks of it."""
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    assert '-m "not containers and not browser"' in makefile
    assert "make test   # runs every test that needs neither a container engine nor a browser\n" in README
    told = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "make test-browser " in told
    assert "make test-containers " in told


def test_only_githubs_own_actions_are_used():
    """As README and SECURITY.md say, and the one that is not of `actions` in that workflow alone."""
    for page in (README, (ROOT / "SECURITY.md").read_text(encoding="utf-8")):
        assert GITHUBS_OWN in " ".join(page.split())
    for path in [ROOT / "action.yml", *(ROOT / ".github" / "workflows").glob("*.yml")]:
        used = set(re.findall(r"\buses: ([^$@\s]+)@", path.read_text(encoding="utf-8")))
        foreign = {one for one in used if not one.startswith("actions/")}
        assert foreign == ({"github/codeql-action/upload-sarif"} if path.name == "code-scanning.yml" else set()), path


def test_every_link_and_picture_is_there():
    """A page, a picture, and the heading of a page."""
    for place in re.findall(r"\]\(([^)\s]+)\)", README):
        page, _, heading = place.partition("#")
        path = ROOT / (page or "README.md")
        assert path.is_file(), place
        if heading:
            titles = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
            assert heading in {re.sub(r"[^\w -]", "", title).lower().replace(" ", "-") for title in titles}, place
