"""What the codes and bits of control types mean, as the label `state` says it.

Codes that no document tells are missing. Bits are listed by their value, whether the document
numbers them from 0, from 1 or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final


Codes = Mapping[int, str]


def _in_order(*keys: str) -> Codes:
    """The bits' values, from the lowest bit on."""
    return {1 << place: key for place, key in enumerate(keys)}


# Of several types.

DEVICE_STATES: Final[Codes] = {0: "no_device", 1: "offline", 2: "online"}
DIRECTIONS: Final[Codes] = {-1: "closing", 0: "stopped", 1: "opening"}
OUTDOOR_TEMPERATURE_INFO: Final[Codes] = {0: "not_enough_data", 1: "ok", 2: "no_data"}

# The house.

OPERATING_MODES: Final[Codes] = {
    0: "holiday",
    1: "vacation",
    2: "day_off",
    3: "monday",
    4: "tuesday",
    5: "wednesday",
    6: "thursday",
    7: "friday",
    8: "saturday",
    9: "sunday",
    10: "heating_period",
    11: "cooling_period",
}
"""The two periods came with newer firmware."""

# Rooms and their climate.

ROOM_PACKED: Final = 0x10
"""A bit of a number that packs a temperature of the owner's own, and no mode."""
ROOM_ACTIVE_MODES: Final[Codes] = {
    0: "economy",
    1: "comfort",
    2: "building_protection",
    3: "manual",
    4: "off",
    ROOM_PACKED: "custom",
}
ROOM_OPERATING_MODES: Final[Codes] = {
    -1: "off",
    0: "automatic",
    1: "automatic_heating",
    2: "automatic_cooling",
    3: "manual",
    4: "manual_heating",
    5: "manual_cooling",
}
ROOM_OVERRIDE_REASONS: Final[Codes] = {
    0: "none",
    1: "presence",
    2: "window_open",
    3: "comfort",
    4: "eco",
    5: "eco_plus",
    6: "prepare_heat",
    7: "prepare_cool",
    8: "source",
    9: "cooling_forbidden",
    10: "heating_forbidden",
    11: "manual",
    12: "no_cooling_available",
    13: "no_heating_available",
    14: "low_request",
    15: "pause_timer",
    16: "different_mode",
    17: "load_shedding",
    18: "locked",
    19: "device_offline",
    20: "different_mode_than_central",
}
ROOM_PREPARE_STATES: Final[Codes] = {-1: "cooling_down", 0: "none", 1: "heating_up"}
ROOM_CAPABILITIES: Final = _in_order("heat", "cool", "shading", "ventilation")
ROOM_CONTROLLER_MODES: Final[Codes] = {
    0: "automatic",
    # The heating or the cooling period chooses these two, nobody can select them.
    1: "automatic_currently_heating",
    2: "automatic_currently_cooling",
    # These two are selected, and only heat or only cool.
    3: "automatic_heating",
    4: "automatic_cooling",
    5: "manual_heating",
    6: "manual_cooling",
}
ROOM_SERVICE_MODES: Final[Codes] = {
    0: "off",
    1: "both_off",
    2: "heating_on",
    3: "cooling_on",
    4: "both_on",
}
ROOM_MANUAL_MODES: Final[Codes] = {
    0: "off",
    1: "comfort",
    2: "economy",
    3: "timer",
    4: "presence",
}
ROOM_TEMPERATURES: Final[Codes] = {
    0: "economy",
    1: "comfort_heating",
    2: "comfort_cooling",
    3: "empty_house",
    4: "heat_protection",
    5: "increased_heat",
    6: "party",
    7: "manual",
}

# What heats, cools and ventilates.

CLIMATE_MODES: Final[Codes] = {
    0: "no_requirement",
    1: "heating",
    2: "cooling",
    3: "heating_boost",
    4: "cooling_boost",
    5: "service",
    6: "external_heater",
}
CLIMATE_AUTOMATIC_MODES: Final[Codes] = {
    -1: "off",
    0: "heating_and_cooling",
    1: "heating",
    2: "cooling",
}
CLIMATE_AUTOMATIC_BASES: Final[Codes] = {0: "conditions", 1: "average_temperature"}
CLIMATE_OVERRIDE_REASONS: Final[Codes] = {
    0: "automatic",
    1: "boost",
    2: "external_heater",
    3: "stop",
    4: "custom_info",
}
CLIMATE_SERVICE_MODES: Final[Codes] = {
    0: "off",
    1: "standby",
    2: "heating_on",
    3: "cooling_on",
    4: "fan_on",
}
# The document numbers them from 0 for one type and from 1 for the other: the values are the same.
CLIMATE_EXCESS_ENERGY: Final = _in_order("heating", "cooling")
CLIMATE_STANDBY_REASONS: Final[Codes] = {
    0: "not_in_standby",
    1: "no_request",
    2: "demand_below_threshold",
    3: "outdoor_temperature",
}
HVAC_MODES: Final[Codes] = {0: "off", 1: "heating_and_cooling", 2: "heating", 3: "cooling"}
HVAC_STATUS: Final = _in_order(
    "heat_1",
    "heat_2",
    "emergency_heat",
    "cool_1",
    "cool_2",
    "switching_to_cool",
    "switching_to_heat",
    "delayed_by_reversing_valve",
    "delayed_by_fan_overrun",
    "delayed_by_minimum_off_time",
    "too_hot_outside",
    "too_cold_outside",
    "cool_demand_too_low",
    "heat_demand_too_low",
)
HVAC_STAGES: Final[Codes] = {0: "off", 1: "first", 2: "second"}
HVAC_OUTDOOR_TEMPERATURE_MODES: Final[Codes] = {
    0: "not_used",
    1: "average_48h",
    2: "expected_48h",
    3: "current",
}
AIR_CONDITIONER_PAUSE_REASONS: Final = _in_order(
    "timer",
    "door_or_window",
    "load_shed",
    "silent",
    "heat_prohibited",
    "cool_prohibited",
    "acc_mode",
    "irc_mode",
)
VENTILATION_REASONS: Final[Codes] = {
    0: "basic",
    1: "increased",
    4: "stop",
    5: "window",
    6: "turbo",
    7: "manual",
    8: "exhaust",
    9: "fall_asleep",
    10: "frost",
}
VENTILATION_TEMPERATURE_SUPPORT: Final[Codes] = {-1: "cooling", 0: "none", 1: "heating"}
SOLAR_BUFFER_STATES: Final[Codes] = {0: "waiting", 1: "heating", 2: "cooling", 3: "ok"}

# Water and machines.

IRRIGATION_ZONES: Final[Codes] = {
    -1: "off",
    **{zone: f"zone_{zone + 1}" for zone in range(8)},
    8: "all",
}
POOL_OPERATING_MODES: Final[Codes] = {0: "out_of_order", 1: "automatic", 2: "service"}
POOL_TEMPERATURE_MODES: Final[Codes] = {
    0: "off",
    1: "automatic",
    2: "automatic_heating",
    3: "automatic_cooling",
    4: "manual_heating",
    5: "manual_cooling",
}
POOL_CYCLES: Final[Codes] = {0: "none", 1: "filter", 2: "flushing", 3: "circulate", 4: "drain"}
POOL_VALVE_POSITIONS: Final[Codes] = {
    -1: "moving",
    0: "filter",
    1: "backwash",
    2: "clearwash",
    3: "circulate",
    4: "closed",
    5: "drain",
    6: "relieve",
}
POOL_ERROR_STATES: Final[Codes] = {0: "never", 1: "was_present", 2: "present", 3: "device_offline"}
SAUNA_MODES: Final[Codes] = {
    0: "off",
    1: "finnish_manual",
    2: "humidity_manual",
    3: "finnish_automatic",
    4: "herbal",
    5: "steam",
    6: "warm_air",
}
SAUNA_ERROR_STATES: Final[Codes] = {0: "none", 1: "too_hot"}
TOUCH_GRILL_DEVICE_STATES: Final[Codes] = {
    0: "running",
    1: "offline",
    2: "off",
    3: "error",
    4: "asleep",
}
TOUCH_GRILL_POWER_MODES: Final[Codes] = {1: "dc", 2: "battery"}

# Energy.

WALLBOX_DEVICE_STATES: Final[Codes] = {0: "offline", 1: "initialising", 2: "online"}
WALLBOX_LIMIT_MODES: Final[Codes] = {0: "off", 1: "manual", 2: "automatic"}
WALLBOX_MODES: Final[Codes] = {**{mode: f"mode_{mode}" for mode in range(1, 6)}, 99: "manual"}
WALLBOX_LIMITS: Final = _in_order("eco", "strand", "parent_strand", "pmax")
WALLBOX_TEMPORARY_LIMITATIONS: Final[Codes] = {
    0: "none",
    1: "blocked",
    2: "reduced",
    3: "above_limit",
}
POWER_SUPPLY_STATUS: Final = _in_order(
    "backup",
    "overcurrent",
    "battery_missing",
    "battery_empty",
    "test_active",
    "test_finished",
    "needs_service",
    "defective",
    "test_ok",
    "overheating",
)
# One for each output; there are seven, as the states CP1 to CP7 and their meters say.
POWER_SUPPLY_FUSES: Final = _in_order(*(f"fuse_{output}" for output in range(1, 8)))

# Alarms and access.

ALARM_LEVELS: Final[Codes] = {
    # The document does not list 0, but that is what it can only be while there is no alarm.
    0: "none",
    1: "silent",
    2: "acoustic",
    3: "optical",
    4: "internal",
    5: "external",
    6: "remote",
}
SMART_ALARM_LEVELS: Final[Codes] = {0: "none", 1: "immediate", 2: "delayed"}
EMERGENCY_ALARM_STATES: Final[Codes] = {
    0: "running",
    1: "alarm_triggered",
    2: "shut_down",
    3: "temporarily_disabled",
}
SMOKE_ALARM_LEVELS: Final[Codes] = {0: "none", 1: "pre_alarm", 2: "main_alarm"}
SMOKE_ALARM_CAUSES: Final = _in_order("smoke", "water", "temperature", "arc_fault")
ALARM_CHAIN_TYPES: Final[Codes] = {
    0: "inactive",
    **_in_order("acknowledged", "alarm", "urgent", "ems"),
}
CODE_TOUCH_PROBLEMS: Final = _in_order("offline", "dummy", "nfc_unavailable")
INTERCOM_DEVICE_STATES: Final[Codes] = {
    0: "unknown",
    1: "ok",
    2: "rebooting",
    3: "initialising",
}

# Lights and music.

# An owner names scenes 1 to 8; the other two are the same in every house.
LIGHT_SCENES: Final[Codes] = {
    0: "all_off",
    **{scene: f"scene_{scene}" for scene in range(1, 9)},
    9: "all_on",
}
LIGHT_MOODS: Final[Codes] = {
    -3: "several_moods",
    -1: "manual",
    0: "off",
    98: "alarm_clock",
    99: "all_on",
    778: "off",
}
"""Numbers that other projects have found, the same in every house; a house lists its own moods."""
LIGHT_PRESENCE: Final = _in_order("allowed_by_input", "allowed_by_app", "used")
_REACHED: Final[Codes] = {0: "offline", 1: "initialising", 2: "online"}
AUDIO_SERVER_STATES: Final[Codes] = {
    -3: "invalid_zone",
    -2: "not_reachable",
    -1: "unknown",
    **_REACHED,
}
AUDIO_SERVER_STATES_V2: Final[Codes] = {
    -5: "rebooting",
    -2: "not_reachable",
    -1: "unknown",
    **_REACHED,
}
AUDIO_CLIENT_STATES: Final = _REACHED
AUDIO_CLIENT_STATES_V2: Final[Codes] = {
    -5: "rebooting",
    -4: "updating",
    -2: "not_reachable",
    **_REACHED,
}
AUDIO_PLAY_STATES: Final[Codes] = {-1: "unknown", 0: "stopped", 1: "paused", 2: "playing"}
# The document lists 2 as "not used".
AUDIO_REPEAT: Final[Codes] = {-1: "unknown", 0: "off", 1: "all", 3: "current_item"}
