from __future__ import annotations

from loxone_exporter.errors import FailureReason
from loxone_exporter.miniserver.remedies import REMEDIES


def test_there_is_something_to_do_about_every_failure() -> None:
    assert set(FailureReason) == set(REMEDIES)
    assert all(REMEDIES.values())
