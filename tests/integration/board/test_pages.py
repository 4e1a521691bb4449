"""Each page as it is sent: what it shows of a ledger with a past, of an empty one, and of hostile words."""

import re


def words(answer):
    """Give the text of a page."""
    assert answer.status_code == 200, answer.text
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())


def test_the_first_page_shows_what_serves_where(lived):
    """Each place with its version, how sure one may be, since when and by whom; a way back is named."""
    text = words(lived.get("/"))
    assert "shop" in text
    assert "till" in text
    assert "after b was rolled back" in text
    assert "by ada" in text


def test_the_first_page_of_an_empty_ledger_says_what_to_do(running):
    """It is no error, and says how the first one is made."""
    assert "Nothing was deployed yet" in words(running.get("/"))
    assert "No service is called that" in words(running.get("/?find=x"))


def test_what_is_not_there_is_a_page_of_its_own(running):
    """With a way on."""
    answer = running.get("/nothing")
    assert answer.status_code == 404
    assert "What serves where" in answer.text
