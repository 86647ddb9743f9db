from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loxone_exporter.web.pages.promql import matchers, quote


@given(st.text(st.characters(blacklist_categories=["Cs"])))
def test_a_quoted_text_is_read_back(text: str) -> None:
    """Of what is written here, Python and PromQL understand the same."""
    quoted = quote(text)
    assert text == ast.literal_eval(quoted)
    assert quoted.isprintable()


@pytest.mark.parametrize(
    ("text", "quoted"),
    [
        ("Küche ☕", '"Küche ☕"'),
        ('a "b" \\ c', r'"a \"b\" \\ c"'),
        ("a\nb\rc\td", r'"a\nb\u000dc\u0009d"'),
        ("\u202eabc\u2028", r'"\u202eabc\u2028"'),
        ("\U000e0001", r'"\U000e0001"'),
    ],
)
def test_quoting(text: str, quoted: str) -> None:
    assert quoted == quote(text)


def test_labels_come_in_an_order_for_people() -> None:
    labels = {"uuid": "u", "type": "t", "room": "", "name": "n", "miniserver": "m", "node": "x"}
    assert '{miniserver="m",name="n",room="",type="t",node="x",uuid="u"}' == matchers(labels)
    assert "{}" == matchers({})
