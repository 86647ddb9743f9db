from __future__ import annotations

import pytest

from loxone_exporter.metrics.catalog import Privacy, privacy


@pytest.mark.parametrize(
    ("control_type", "state", "expected"),
    [
        ("NfcCodeTouch", "lastcode", Privacy.SECRET),
        ("NfcCodeTouch", "lasttag", Privacy.SECRET),
        ("NfcCodeTouch", "nfcLearnResult", Privacy.SECRET),
        ("NfcCodeTouch", "lastuser", Privacy.PERSON),
        ("TextInput", "text", Privacy.SECRET),
        ("Tracker", "entries", Privacy.PERSON),
        ("AudioZoneV2", "songName", Privacy.PERSON),
        ("MediaClient", "station", Privacy.PERSON),
        ("Wallbox2", "session", Privacy.PERSON),
        ("Wallbox2", "power", None),
        ("NfcCodeTouch", "active", None),
        ("TextState", "text", None),
        ("UnheardOf", "lastcode", None),
        ("", "", None),
    ],
)
def test_states_about_persons_and_secrets(
    control_type: str, state: str, expected: Privacy | None
) -> None:
    assert expected is privacy(control_type, state)
