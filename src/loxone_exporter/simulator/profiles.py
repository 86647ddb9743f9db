"""The devices that a simulated Miniserver can play, by name: hardware generation and firmware."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from attrs import evolve

from loxone_exporter.simulator.profile import Profile


_FIRST: Final = Profile(
    serial="504F94A10001",
    generation=1,
    miniserver_type=0,
    key_bits=1024,
    http_connections=48,
)
_SECOND: Final = Profile(
    serial="504F94A20002",
    generation=2,
    miniserver_type=2,
    https_status=1,
)
_COMPACT: Final = Profile(
    serial="504F94A40004",
    generation=2,
    miniserver_type=4,
    https_status=1,
    bare_counters=True,
)

_FIRMWARE_8: Final = "8.1.11.11"
_FIRMWARE_10: Final = "10.2.3.26"
_FIRMWARE_12: Final = "12.2.11.5"
_FIRMWARE_16: Final = "16.1.11.6"

PROFILES: Final[Mapping[str, Profile]] = MappingProxyType(
    {
        "gen1-8": evolve(_FIRST, firmware=_FIRMWARE_8),
        "gen1-10.2": evolve(_FIRST, firmware=_FIRMWARE_10),
        "gen1-12": evolve(_FIRST, firmware=_FIRMWARE_12),
        "gen1-16": evolve(_FIRST, firmware=_FIRMWARE_16),
        "gen2-10.2": evolve(_SECOND, firmware=_FIRMWARE_10),
        "gen2-12": evolve(_SECOND, firmware=_FIRMWARE_12),
        "gen2-16": evolve(_SECOND, firmware=_FIRMWARE_16),
        "compact-12": evolve(_COMPACT, firmware=_FIRMWARE_12),
        "compact-16": evolve(_COMPACT, firmware=_FIRMWARE_16),
    }
)
"""All of them; what a firmware knows and answers follows from its version.

The second generation came with firmware 10 and the Compact with 12. The size of the RSA key of each
generation is not known: the first has the shorter one here, so that both sizes are played.
"""
