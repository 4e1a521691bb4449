"""Text with holes: `*` stands for any text, also for none. Matching takes time linear in the text, whatever it is.

Regular expressions are not offered: a hostile body can make one run for minutes on the loop that keeps the time.
"""


def found_in(pattern: str, text: str) -> bool:
    """Whether `text` holds the pieces of `pattern`, one after the other, anywhere."""
    at = 0
    for piece in pattern.split("*"):
        here = text.find(piece, at)
        if here < 0:
            return False
        at = here + len(piece)
    return True


def matches(pattern: str, text: str) -> bool:
    """Whether `pattern` describes the whole of `text`."""
    first, *rest = pattern.split("*")
    if not rest:
        return text == first
    last = rest[-1]
    if len(text) < len(first) + len(last) or not text.startswith(first) or not text.endswith(last):
        return False
    return found_in("*".join(rest[:-1]), text[len(first) : len(text) - len(last)])
