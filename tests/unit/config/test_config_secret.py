from __future__ import annotations

import pytest
from attrs import frozen

from loxone_exporter.config.secret import Secret


@frozen
class Holder:
    secret: Secret


SECRET = Secret("hunter2")


@pytest.mark.parametrize(
    ("shown", "masked"),
    [
        (repr(SECRET), "Secret('***')"),
        (str(SECRET), "***"),
        (f"a {SECRET} text", "a *** text"),
        (f"{SECRET:>4}", " ***"),
        ("%s, %r" % (SECRET, SECRET), "***, Secret('***')"),  # noqa: UP031  # as logging does it
        (repr(Holder(SECRET)), "Holder(secret=Secret('***'))"),
        (repr([SECRET]), "[Secret('***')]"),
    ],
)
def test_a_secret_is_masked_however_it_is_shown(shown: str, masked: str) -> None:
    assert masked == shown


def test_a_secret_reveals_itself_when_asked() -> None:
    assert Secret("hunter2").reveal() == "hunter2"


def test_secrets_are_equal_by_what_they_hold() -> None:
    assert Secret("hunter2") == Secret("hunter2")
    assert Secret("hunter2") != Secret("hunter3")
    text: object = "hunter2"
    assert Secret("hunter2") != text


def test_a_secret_has_no_hash_and_no_dictionary_to_look_into() -> None:
    with pytest.raises(TypeError, match="unhashable"):
        hash(Secret("hunter2"))
    assert not hasattr(Secret("hunter2"), "__dict__")
