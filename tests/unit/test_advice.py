from __future__ import annotations

from loxone_exporter.advice import ADVICE
from loxone_exporter.errors import FailureReason


def test_there_is_something_to_do_about_every_failure() -> None:
    assert list(FailureReason) == sorted(ADVICE, key=list(FailureReason).index)
    assert len(FailureReason) == len(set(ADVICE.values()))


def test_it_is_whole_sentences() -> None:
    for advice in ADVICE.values():
        assert advice.remedy.endswith(".")
        assert not advice.what.endswith(".")
