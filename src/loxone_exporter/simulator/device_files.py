"""The files of a simulated Miniserver beside the structure file (protocol reference, section 6).

The devices in them are invented.
"""

from __future__ import annotations

import datetime as dt
from xml.sax.saxutils import quoteattr

from loxone_exporter.simulator.profile import Profile


_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_LINE_END = "\r\n"
_LINKED_SINCE = (13, 1)
"""From this firmware on `data/status` has the element `Link` and the attribute `Offline`."""

_DIMMER = (
    '<Extension Type="Dimmer Extension V2" Code="6" Name="Dimmer Extension 1" Serial="02d80001" '
    'Version="{firmware}" HwVersion="2" Online="true" Occupied="false"/>'
)
_TREE_EXTENSION = (
    '<Extension Type="Tree Extension" Code="180" Name="Tree Extension" Serial="13100002" '
    'Version="{firmware}" Online="true" Occupied="false">'
)
_BRANCH = '<TreeBranch Branch="2" Devices="2" Errors="0">'
_NAMED_BRANCH = (
    '<TreeBranch Branch="{branch}" Name="{name}" Icon="" Devices="2" Errors="0" '
    'Serial="{branch_serial}" Version="{firmware}">'
)
_TOUCH = (
    '<TreeDevice Code="-2147286859" Name="Touch hall" Place="Hall" Serial="B0100003" '
    'Version="{firmware}" Online="true" LastReceived="{now}" TimeDiff="245"/>'
)
_LOST_TOUCH = (
    '<TreeDevice Code="-2147286859" Name="Touch cellar" Place="Cellar" Serial="B0100004" '
    'Version="{firmware}" Online="false" LastReceived="2024-02-29 11:11:11" TimeDiff="86400" '
    'DummyDev="false"/>'
)
_AIR_BASE = (
    '<Extension Type="Air Base Extension" Code="19" Name="Air Base" Serial="0c000005" '
    'Version="{firmware}" Online="true">'
)
_AIR_DEVICES = (
    (
        '<AirDevice Type="Room Comfort Sensor Air" Code="32" Name="Comfort bedroom" '
        'Place="Bedroom" Serial="50:4F:94:FF:FE:A1:00:06" LastReceived="{now}" TimeDiff="61" '
        'Version="{firmware}" HwVersion="0" Hops="1" RoundTripTime="12" QualityExt="63" '
        'QualityDev="57" Online="true" Battery="87" DummyDev="false"/>'
    ),
    (
        '<AirDevice Type="Smart Socket Air" Code="33" Name="Socket &quot;TV&quot;" '
        'Place="Living room" Serial="50:4F:94:FF:FE:A1:00:07" Online="true" Battery="127"/>'
    ),
    '<AirDevice Type="Window Contact Air" Code="34" Name="Not paired" DummyDev="true"/>',
)
_ONE_WIRE = (
    (
        '<Extension Type="1-Wire Extension" Code="12" Name="1-Wire" Serial="06000008" '
        'Version="{firmware}" Online="true">'
    ),
    (
        '\t<OneWireDevice Name="Boiler" Code="28" Serial="28.0000000009.B1" Family="28" '
        'LastReceived="{now}" TimeDiff="3"/>'
    ),
    "</Extension>",
)
_NETWORK = (
    "<NetworkDevices>",
    (
        '\t<GenericNetworkDevice Type="Intercom" SubType="0" Name="Front door" Online="true" '
        'MAC="50:4F:94:A1:00:0A" Version="{firmware}"/>'
    ),
    "</NetworkDevices>",
)

LOG_MESSAGES = (
    "PRG Reboot {firmware}",
    "PRG start program",
    "User admin logged in from 192.0.2.77; Method: encrypted",
)


def status_xml(profile: Profile, now: dt.datetime) -> bytes:
    """`data/status`: with byte order mark, tabs, and the line ends of another system (section 6.4).

    Args:
        profile: Firmware and generation decide on the layout.
        now: Local time.
    """
    stamp = now.strftime("%Y-%m-%d %H:%M:%S")
    lines = [
        '<?xml version="1.0" encoding="utf-8"?>',
        f'<Status Modified="{stamp}">',
        f"\t<Miniserver {_miniserver(profile)}>",
        *(f"\t\t{line}" for line in _devices(profile)),
        "\t</Miniserver>",
        "</Status>",
    ]
    text = _LINE_END.join([*lines, ""])
    filled = text.replace("{firmware}", profile.firmware).replace("{now}", stamp)
    filled = filled.replace("{branch_serial}", profile.serial[:8].lower())
    return (_BOM + filled).encode()


def log_file(profile: Profile, now: dt.datetime) -> bytes:
    """`def.log`, with byte order mark (section 6.2).

    Args:
        profile: The log tells its firmware.
        now: Local time.
    """
    began = now.replace(microsecond=0) - dt.timedelta(hours=1)
    lines = [
        f"{began + dt.timedelta(seconds=second):%Y-%m-%d %H:%M:%S}.{second:03};{message}"
        for second, message in enumerate(LOG_MESSAGES)
    ]
    text = _LINE_END.join([*lines, ""])
    return (_BOM + text.replace("{firmware}", profile.firmware)).encode()


def _miniserver(profile: Profile) -> str:
    attributes = {
        "Type": str(profile.miniserver_type or 0),
        "Name": "Simulated Miniserver",
        "IP": profile.address,
        "Mask": "255.255.255.0",
        "Gateway": "192.0.2.1",
        "DHCP": "true",
        "DNS1": "192.0.2.1",
        "DNS2": "0.0.0.0",  # noqa: S104  # an answer, nothing is bound to it
        "MAC": profile.serial,
        "Device": f"lxl{profile.serial[-4:]}",
        "Version": profile.firmware,
    }
    if profile.generation == 1:
        attributes |= {"LANErrors": "0.000%", "LinkErrors": "0"}
    if profile.knows(_LINKED_SINCE):
        attributes["Offline"] = "true"  # as real ones say it, although they are there
    return " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())


def _devices(profile: Profile) -> list[str]:
    """The devices in one of three layouts."""
    tree = [_BRANCH, f"\t{_TOUCH}", f"\t{_LOST_TOUCH}", "</TreeBranch>"]
    air = [_AIR_BASE, *_indented(_AIR_DEVICES), "</Extension>"]
    extension = [_TREE_EXTENSION, *_indented(tree), "</Extension>"]
    if not profile.knows(_LINKED_SINCE):
        return [_DIMMER, *extension, *air, *_ONE_WIRE, *_NETWORK]
    link = '<Link Name="Link" Type="Link" Branch="1" Icon="">'
    if profile.generation == 1:
        devices = [_DIMMER, *extension, *air, *_ONE_WIRE]
        return [link, *_indented(devices), "</Link>", *_NETWORK]
    branches = []
    for number, name in ((1, "Tree left"), (2, "Tree right")):
        branch = _NAMED_BRANCH.replace("{branch}", str(number)).replace("{name}", name)
        branches += [branch, *_indented([_TOUCH, _LOST_TOUCH][:number]), "</TreeBranch>"]
    nested = ["<NetworkDevices>", *_indented(air), "</NetworkDevices>"]
    devices = [_DIMMER, *_ONE_WIRE]
    return [*branches, link, *_indented(devices), "</Link>", *_NETWORK, *nested]


def _indented(lines: list[str] | tuple[str, ...]) -> list[str]:
    return [f"\t{line}" for line in lines]
