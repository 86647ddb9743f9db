from __future__ import annotations

import pytest

from loxone_exporter.simulator.profiles import PROFILES


def test_the_devices_that_can_be_played() -> None:
    assert [
        "gen1-8",
        "gen1-10.2",
        "gen1-12",
        "gen1-16",
        "gen2-10.2",
        "gen2-12",
        "gen2-16",
        "compact-12",
        "compact-16",
    ] == list(PROFILES)


@pytest.mark.parametrize("name", PROFILES)
def test_a_name_says_generation_and_firmware(name: str) -> None:
    hardware, _, firmware = name.partition("-")
    profile = PROFILES[name]
    assert profile.firmware.startswith(f"{firmware}.")
    expected = {
        "gen1": (1, 0, None, 48, 1024),
        "gen2": (2, 2, 1, 256, 2048),
        "compact": (2, 4, 1, 256, 2048),
    }
    assert expected[hardware] == (
        profile.generation,
        profile.miniserver_type,
        profile.https_status,
        profile.http_connections,
        profile.key_bits,
    )


def test_hardware_has_one_serial_whatever_its_firmware() -> None:
    serials = {name.partition("-")[0]: profile.serial for name, profile in PROFILES.items()}
    assert len(set(serials.values())) == 3
    for name, profile in PROFILES.items():
        assert serials[name.partition("-")[0]] == profile.serial
