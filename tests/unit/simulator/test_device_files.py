from __future__ import annotations

import datetime as dt
import re
import xml.etree.ElementTree as ET

import pytest

from loxone_exporter.simulator.device_files import log_file, status_xml
from loxone_exporter.simulator.profiles import PROFILES


NOW = dt.datetime(2025, 1, 3, 13, 15, 11, tzinfo=dt.UTC)
BOM = b"\xef\xbb\xbf"


def status_of(name: str) -> ET.Element:
    text = status_xml(PROFILES[name], NOW).decode("utf-8-sig")
    return ET.fromstring(text)  # noqa: S314  # our own text


def miniserver_of(name: str) -> ET.Element:
    miniserver = status_of(name).find("Miniserver")
    assert miniserver is not None
    return miniserver


@pytest.mark.parametrize("name", PROFILES)
def test_quirk_7_the_status_begins_with_a_byte_order_mark(name: str) -> None:
    content = status_xml(PROFILES[name], NOW)
    assert content.startswith(BOM + b'<?xml version="1.0" encoding="utf-8"?>\r\n<Status Modified')
    assert content.count(b"\n") == content.count(b"\r\n")
    assert b"\r\n\t<Miniserver " in content
    assert b"{" not in content


@pytest.mark.parametrize("name", PROFILES)
def test_the_status_names_the_device(name: str) -> None:
    profile = PROFILES[name]
    assert status_of(name).get("Modified") == "2025-01-03 13:15:11"
    miniserver = miniserver_of(name)
    assert miniserver.get("MAC") == profile.serial
    assert miniserver.get("Version") == profile.firmware
    assert str(profile.miniserver_type) == miniserver.get("Type")


def test_the_oldest_layout_has_extensions_below_the_miniserver() -> None:
    miniserver = miniserver_of("gen1-8")
    assert miniserver.get("LANErrors") == "0.000%"
    assert miniserver.get("Offline") is None
    assert miniserver.find("Link") is None
    assert len(miniserver.findall("Extension/TreeBranch/TreeDevice")) == 2
    assert miniserver.findall("Extension/AirDevice")


def test_quirk_17_newer_firmware_wraps_extensions_and_says_offline() -> None:
    first = miniserver_of("gen1-16")
    assert first.get("Offline") == "true"
    assert first.get("LANErrors") == "0.000%"
    assert not first.findall("Extension")
    assert first.findall("Link/Extension/TreeBranch/TreeDevice")

    second = miniserver_of("gen2-16")
    assert second.get("Offline") == "true"
    assert second.get("LANErrors") is None
    assert second.get("LinkErrors") is None
    assert len(second.findall("TreeBranch/TreeDevice")) == 3
    assert len(second.findall("NetworkDevices")) == 2
    assert second.findall("NetworkDevices/Extension/AirDevice")


def test_the_status_has_devices_that_are_lost_unpaired_or_on_mains() -> None:
    miniserver = miniserver_of("gen1-12")
    assert miniserver.findall(".//TreeDevice[@Online='false']")
    assert miniserver.findall(".//AirDevice[@Battery='127']")
    assert miniserver.findall(".//AirDevice[@DummyDev='true']")
    assert miniserver.findall(".//OneWireDevice")


def test_quirk_7_the_log_begins_with_a_byte_order_mark() -> None:
    content = log_file(PROFILES["gen1-8"], NOW)
    assert content.startswith(BOM + b"2025-01-03 12:15:11.000;PRG Reboot 8.1.11.11\r\n")
    lines = content.decode("utf-8-sig").splitlines()
    assert len(lines) == 3
    for line in lines:
        assert re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3};", line)
