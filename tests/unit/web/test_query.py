from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.web.pages.query import LONGEST_SEARCH, Query


NAMES = st.none() | st.text(st.characters(blacklist_categories=["Cs"]), max_size=30)


@given(st.binary(max_size=200))
def test_whatever_is_asked_is_understood_somehow(text: bytes) -> None:
    query = Query.parse(text)
    assert query.page >= 1
    assert len(query.search) <= LONGEST_SEARCH


@given(NAMES, NAMES, st.text(st.sampled_from("abÄ ?&=+%"), max_size=20), st.integers(1, 999_999))
def test_an_address_asks_for_what_it_was_made_of(
    miniserver: str | None, room: str | None, search: str, page: int
) -> None:
    query = Query(miniserver, room, " ".join(search.split()), page)
    path, _, text = query.url.partition("?")
    assert "./" == path
    assert query == Query.parse(text.encode())


@pytest.mark.parametrize(
    ("text", "query"),
    [
        (b"", Query()),
        (b"miniserver=home&room=&q=", Query("home", "")),
        (b"q=+Licht%20k%C3%BCche+", Query(search="Licht küche")),
        (b"q=a&q=b", Query(search="a")),
        (b"page=0", Query()),
        (b"page=-1", Query()),
        (b"page=1234567", Query()),
        (b"page=%C2%B2", Query()),
        (b"&".join([b"q=a"] * 21), Query()),
        (b"q=" + b"x" * 500, Query(search="x" * LONGEST_SEARCH)),
        (b"room=%ff", Query(room="\N{REPLACEMENT CHARACTER}")),
    ],
)
def test_what_is_asked(text: bytes, query: Query) -> None:
    assert query == Query.parse(text)


def test_words_are_compared_in_lower_case() -> None:
    assert {"straße".casefold(), "ii"} == Query(search="STRASSE II ii").words


def test_a_room_is_known_by_what_forms_make_of_its_line_breaks() -> None:
    query = Query(room="one\r\ntwo")
    assert query.wants_room("one\ntwo")
    assert not query.wants_room("onetwo")
    assert not query.wants_room("")
    assert Query(room="").wants_room("")
    assert not Query(room="").wants_room("one")
    assert Query().wants_room("one")
