"""Diagnostic values of a simulated Miniserver, as real ones gave them (section 6.1)."""

from __future__ import annotations

from collections.abc import Mapping


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
        "cfg/ip",
        "cfg/mask",
        "cfg/gateway",
        "cfg/dns1",
        "cfg/dns2",
        "cfg/dhcp",
        "cfg/ntp",
        "cfg/device",
    }
)
"""Commands that a user without full access is refused."""

_COMMON = {
    "sys/cpu": "26%",
    "sys/lastcpu": "CPU:12 SPS:26",
    "sys/numtasks": "51",
    "sys/spscycle": "100",
    "sps/state": "5",
    "sps/status": "Running 100/sec",
    "bus/packetssent": "2157",
    "bus/packetsreceived": "916",
    "bus/receiveerrors": "0",
    "bus/frameerrors": "0",
    "bus/overruns": "0",
    "bus/parityerrors": "0",
    "cfg/versiondate": "Nov 11 2025 12:26:21",
    "cfg/ip": "192.0.2.10",
    "cfg/mask": "255.255.255.0",
    "cfg/gateway": "192.0.2.1",
    "cfg/dns1": "192.0.2.1",
    "cfg/dns2": "0.0.0.0",  # noqa: S104  # an answer, nothing is bound to it
    "cfg/dhcp": "Yes",
    "cfg/ntp": "0.pool.ntp.org",
    "cfg/timezoneoffset": "+00:00:00",
    "cfg/device": "Simulator",
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

_SECOND_GENERATION = {
    "sys/heap": "352880/1016404kB",
    "sys/ints": "",
    "sys/comints": "",
    "sys/lanints": "",
    "sys/contextswitches": "",
    "sys/contextswitchesi": "",
}

TEMPERATURE = b"Cpu Temperature: 53 C. STM32 Cpu Temperature: 34 C"
"""The answer to `jdev/sys/temperature` on the second generation: plain text, no JSON."""


def values(generation: int) -> Mapping[str, str]:
    """All values that do not depend on anything, by command."""
    return {**_COMMON, **(_FIRST_GENERATION if generation == 1 else _SECOND_GENERATION)}
