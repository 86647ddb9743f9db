"""Diagnostic values of a simulated Miniserver, as real ones gave them (section 6.1)."""

from __future__ import annotations

from collections.abc import Mapping

from loxone_exporter.simulator.profile import Profile


ADMIN_ONLY = frozenset(
    {
        "sys/cpu",
        "sys/lastcpu",
        "sys/numtasks",
        "sys/spscycle",
        "sys/ints",
        "sys/comints",
        "sys/lanints",
        "sys/contextswitches",
        "sys/contextswitchesi",
        "bus/packetssent",
        "bus/packetsreceived",
        "bus/receiveerrors",
        "bus/frameerrors",
        "bus/overruns",
        "bus/parityerrors",
        "lan/txp",
        "lan/rxp",
        "lan/txe",
        "lan/txc",
        "lan/exh",
        "lan/txu",
        "lan/eof",
        "lan/rxo",
        "lan/nob",
        "sys/sdtest",
        "sps/enumdev",
        "sps/enumin",
        "sps/enumout",
        "cfg/ip",
        "cfg/mask",
        "cfg/gateway",
        "cfg/dns1",
        "cfg/dns2",
        "cfg/dhcp",
        "cfg/ntp",
        "cfg/device",
        "cfg/http",
        "cfg/ftp",
        "cfg/ftllocalonly",
        "cfg/loxplan",
        "task0/name",
        "task0/state",
        "task0/stack",
        "task0/contextswitches",
        "task0/waittimeout",
    }
)
"""Commands that a user without full access is refused."""

_COMMON = {
    "sys/cpu": "26%",
    "sys/lastcpu": "CPU:12 SPS:26",
    "sys/numtasks": "51",
    "sys/spscycle": "100",
    "sys/check": "1:User admin IP: 192.0.2.84",
    "sps/enumin": "",
    "sps/enumout": "",
    "sps/state": "5",
    "sps/status": "Running 100/sec",
    "bus/packetssent": "2157",
    "bus/packetsreceived": "916",
    "bus/receiveerrors": "0",
    "bus/frameerrors": "0",
    "bus/overruns": "0",
    "bus/parityerrors": "0",
    "cfg/versiondate": "Nov 11 2025 12:26:21",
    "cfg/mask": "255.255.255.0",
    "cfg/gateway": "192.0.2.1",
    "cfg/dns1": "192.0.2.1",
    "cfg/dns2": "0.0.0.0",  # noqa: S104  # an answer, nothing is bound to it
    "cfg/dhcp": "Yes",
    "cfg/ntp": "0.pool.ntp.org",
    "cfg/device": "Simulator",
    "cfg/http": "80",
    "cfg/ftp": "21",
    "cfg/ftllocalonly": "No",
    "cfg/loxplan": "",
    "task0/name": "Idle",
    "task0/state": "Ready",
    "task0/stack": "208/8192",
    "task0/contextswitches": "68161773",
    "task0/waittimeout": "0",
}

_FIRST_GENERATION = {
    "sys/heap": "15437/52688kB",
    "sys/ints": "24651853",
    "sys/comints": "0",
    "sys/lanints": "62386",
    "sys/contextswitches": "174037184",
    "sys/contextswitchesi": "25306571",
    "lan/txp": "29325",
    "lan/rxp": "33055",
    "lan/txe": "0",
    "lan/txc": "0",
    "lan/exh": "0",
    "lan/txu": "0",
    "lan/eof": "0",
    "lan/rxo": "0",
    "lan/nob": "0",
}

_SECOND_GENERATION = {"sys/heap": "352880/1016404kB"}

_COUNTERS = {
    "sys/ints": 24651853,
    "sys/comints": 0,
    "sys/lanints": 62386,
    "sys/contextswitches": 174037184,
    "sys/contextswitchesi": 25306571,
}
"""Of the second generation: not available, or numbers without quotes."""

_CARD = "ManufactorerID 2 Date 2016/3 CardType 2 Blocksize 512"
_NEWER_CARD = "ManufacturerId: 27, Date 2014/2, CardType 2, Usage: 2.79%"
_SECOND_CARD = "Usage: 0.00%, Used: 4%, UncorrectableEcc: 0, PowerOnCycles: 23"

STATISTICS = {
    "06000008": (
        "\n1-Wire Serial 28.0000000009.B1: 2709 Packet Requests, 0 CRC Errors, "
        "0 85 Degree Problems;\n"
    )
}
"""The answers to `jdev/sys/ExtStatistics/{serial}`; those of other devices are empty."""

TEMPERATURE = b"Cpu Temperature: 53 C. STM32 Cpu Temperature: 34 C"
"""The answer to `jdev/sys/temperature` on the second generation: plain text, no JSON."""


def values(profile: Profile) -> Mapping[str, str | int]:
    """All values that do not depend on anything but the device, by command."""
    common = {
        **_COMMON,
        "sys/sdtest": _card_test(profile),
        "sys/version": profile.firmware.replace(".", ""),
        "sys/mac": profile.colon_serial.replace(":", "-"),
        "sps/enumdev": (
            f"Loxone Miniserver ({profile.serial}), Dimmer Extension 1 ({profile.serial}.02D80001)"
        ),
        "cfg/ip": profile.address,
        "cfg/timezoneoffset": _zone(profile.utc_offset),
    }
    if profile.generation == 1:
        return {**common, **_FIRST_GENERATION}
    counters = _COUNTERS if profile.bare_counters else dict.fromkeys(_COUNTERS, "")
    return {**common, **_SECOND_GENERATION, **counters}


def _card_test(profile: Profile) -> str:
    """The result of a test of the memory card, in three layouts (section 6.3)."""
    if profile.generation > 1:
        return f"SD Performance: Read: 7598kB/s, Write: 3813kB/s, No error (0 0), {_SECOND_CARD}"
    if profile.knows((10,)):
        return f"SD Performance: Read: 540kB/s, Write: 370kB/s, No error (0 0), {_NEWER_CARD}"
    return f"SD performance read=851kB/s write=586kB/s no error (0 0), {_CARD}"


def _zone(offset: int) -> str:
    minutes, seconds = divmod(abs(offset), 60)
    sign = "-" if offset < 0 else "+"
    return f"{sign}{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
