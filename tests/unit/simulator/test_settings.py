"""Traits of a device, as they are written on the command line."""

from __future__ import annotations

from attrs import evolve

from loxone_exporter.simulator.profile import Profile
from loxone_exporter.simulator.settings import describe_settings, parse_setting


def test_every_setting_is_a_trait_and_its_own_default_can_be_set() -> None:
    for line in describe_settings():
        usage, _, default = line.partition("; default: ")
        attribute, value = parse_setting(f"{usage.partition('=')[0]}={default}")
        assert Profile() == evolve(Profile(), **{attribute: value}), line


def test_values_are_read() -> None:
    assert ("strict_salts", False) == parse_setting("strict-salts=off")
    assert ("long_token_life", 60.0) == parse_setting("long-token-life=60")
