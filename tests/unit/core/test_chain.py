"""The hash chain over events, and the file it is exported to."""

from dataclasses import replace
from hashlib import sha256

import pytest

from lockgate.core import chain_file
from lockgate.core.chain import BEGINNING, Chain, Link, damages, link_hash


def chained(count, first=0):
    links, previous = [], BEGINNING
    for position in range(first + 1, first + count + 1):
        link = Link(
            position, "r1", position, 7, "2026-11-01T00:00:00.000+00:00", "x", "shop", "production", '{"ß": 1}', ""
        )
        links.append(replace(link, hash=link_hash(previous, link)))
        previous = links[-1].hash
    return Chain(first + count, previous, first, BEGINNING), links


def test_a_hash_is_over_every_field_with_its_length():
    """So that no two events read alike, however their fields are cut; the text is told here once more."""
    link = chained(1)[1][0]
    text = BEGINNING + '1:12:r11:11:729:2026-11-01T00:00:00.000+00:001:x4:shop10:production9:{"ß": 1}'
    assert link.hash == sha256(text.encode()).hexdigest()
    assert len({link_hash(BEGINNING, replace(link, **change)) for change in (
        {}, {"rollout": "r"}, {"kind": "xs", "service": "hop"}, {"seq": 2}, {"fence": 8}, {"data": "{}"}, {"position": 2},
    )}) == 7  # fmt: skip


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (lambda links: links, []),
        (lambda links: links[:2] + links[3:], ["missing: 3"]),
        (lambda links: links[3:], ["missing: 1 to 3"]),
        (lambda links: links[:3], ["missing at the end: 4 to 5"]),
        (lambda links: [], ["missing at the end: 1 to 5"]),
        (lambda links: [*links[:2], replace(links[2], data="{}"), *links[3:]], ["changed: r1/3 x"]),
        (
            lambda links: [*links[:4], replace(links[4], hash="0" * 64)],
            ["changed: r1/5 x", "the end of the chain does not"],
        ),
        (lambda links: [*links, links[4]], ["there twice"]),
        (lambda links: [*links, replace(links[4], position=6)], []),  # appended meanwhile
    ],
)
def test_damage_is_found_where_it_is(change, found):
    chain, links = chained(5)
    told = [one.what for one in damages(chain, change(links))]
    assert len(told) == len(found)
    assert all(what.startswith(start) for what, start in zip(told, found, strict=True))


def test_a_chain_written_anew_is_found_by_what_was_seen_of_it():
    """Whoever can write every row makes a chain that holds, and not one that goes through the old place."""
    chain, links = chained(5)
    forged, others = chained(5)
    others[0] = replace(others[0], data="{}", hash="")
    previous = BEGINNING
    for at, link in enumerate(others):
        others[at] = replace(link, hash=link_hash(previous, link))
        previous = others[at].hash
    forged = replace(forged, hash=previous)
    assert list(damages(forged, others)) == []
    for position in (1, 3, 5):
        seen = chain_file.parse_head(chain_file.head(position, links[position - 1].hash))
        assert list(damages(chain, links, seen)) == []
        assert [one.position for one in damages(forged, others, seen)] == [position]
    assert [one.position for one in damages(chain, links, (6, "a" * 64))] == [6]
    assert [one.position for one in damages(*chained(2, first=4), (4, "a" * 64))] == [4]


def test_an_export_is_read_as_it_was_written():
    chain, links = chained(3)
    read, found = chain_file.read(chain_file.write(chain, links))
    assert (read, list(found)) == (chain, links)


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ([], "line 1 is not JSON"),
        (["[]"], "line 1 is not an event"),
        (['{"chain": {"position": 1}}'], "line 1 is not the beginning"),
        (["{}"], "line 1 is not the beginning"),
        (['{"chain": {"position": "1", "hash": "", "first": 0, "first_hash": ""}}'], "line 1 is not the beginning"),
        ([None, "{}"], "line 2 is not an event"),
        ([None, "nonsense"], "line 2 is not JSON"),
        ([None, None, '{"position": "2"}'], "line 3 is not an event"),
        ([None, "[" * 100_000], "line 2 is not JSON"),
    ],
)
def test_what_is_no_export_is_refused_with_its_line(lines, said):
    good = list(chain_file.write(*chained(2)))
    with pytest.raises(ValueError, match=said):
        list(chain_file.read([line if line is not None else good[at] for at, line in enumerate(lines)])[1])
