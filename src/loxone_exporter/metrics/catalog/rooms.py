"""Lights, blinds and music, and the controls that an owner makes anything of."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from loxone_exporter.metrics.catalog import codes
from loxone_exporter.metrics.catalog.entry import (
    BITS,
    CODE,
    COLOR,
    IDENTIFIER,
    PERSONAL_TEXT,
    PULSE,
    SECRET_TEXT,
    SETTING,
    SWITCHABLE,
    TEXT,
    UNCLEAR,
    UNKNOWN,
    USELESS,
    Entry,
    Epoch,
    Names,
    bits,
    by_variant,
    digital,
    measured,
    named,
    named_by_owner,
    number,
    optional,
    set_by_hand,
    time,
)


_MEASURED = {
    "value": evolve(measured(), unless="error"),
    "error": optional(digital("value_error")),
}
_SET = {
    "value": evolve(set_by_hand(), unless="error"),
    "error": optional(digital("value_error")),
}

_LIGHT_LEVEL = number("light_level_ratio", "%")
_COLOR_CHANNEL = optional(number("color_channel_ratio", "%"))
_OPENING = number("opening_ratio", "ratio")

_VOLUME = number("audio_volume_ratio", "%")
_PRESET = optional(number("audio_volume_preset_ratio", "%"))
_LOCKED = optional(digital("locked"))

_TITLES: dict[str, Entry] = dict.fromkeys(
    ("songName", "album", "artist", "station", "genre", "cover", "sourceList"), PERSONAL_TEXT
)

_SERVER = {
    "serverState": named("audio_server_state", codes.AUDIO_SERVER_STATES),
    "clientState": named("audio_client_state", codes.AUDIO_CLIENT_STATES),
}
_SERVER_V2 = {
    "serverState": named("audio_server_state", codes.AUDIO_SERVER_STATES_V2),
    "clientState": named("audio_client_state", codes.AUDIO_CLIENT_STATES_V2),
}
_PLAY_STATE = named("audio_play_state", codes.AUDIO_PLAY_STATES)

_ZONE: dict[str, Entry] = {
    "playState": _PLAY_STATE,
    "power": digital("audio_power"),
    "volume": _VOLUME,
    "maxVolume": optional(number("audio_volume_limit_ratio", "%")),
    "volumeStep": SETTING,
    "defaultVolume": _PRESET,
    "alarmVolume": _PRESET,
    "bellVolume": _PRESET,
    "buzzerVolume": _PRESET,
    "ttsVolume": _PRESET,
    "presenceFrom": UNKNOWN,
    "presenceTo": UNKNOWN,
}
"""What music zones of both generations have."""

ROOMS: Final = {
    "Application": {},
    "AudioZone": {
        **_SERVER,
        **_ZONE,
        **_TITLES,
        "mute": optional(digital("audio_muted")),
        "shuffle": optional(digital("audio_shuffle")),
        "repeat": optional(named("audio_repeat", codes.AUDIO_REPEAT)),
        "duration": USELESS,
        "progress": USELESS,
        "source": IDENTIFIER,
        "queueIndex": USELESS,
        "enableAirPlay": SWITCHABLE,
        "enableSpotifyConnect": SWITCHABLE,
        "equalizerSettings": TEXT,
        "mastervolume": optional(_VOLUME),
    },
    "AudioZoneV2": {
        **_SERVER_V2,
        **_ZONE,
        **_TITLES,
        "volumeExternal": UNKNOWN,
        "isLocked": _LOCKED,
        "bluetooth": optional(digital("audio_bluetooth")),
    },
    "CentralAlarm": {},
    "CentralAudioZone": {},
    "CentralGate": {},
    "CentralJalousie": {"safetyActive": optional(digital("safety_active"))},
    "CentralLightController": {},
    "CentralPresence": {},
    "CentralWindow": {},
    "Colorpicker": {"color": COLOR, "favorites": TEXT},
    "ColorPickerV2": {"color": COLOR, "sequence": TEXT, "sequenceColorIdx": UNCLEAR},
    # min, max and step are often one state for all dimmers of a light controller.
    "Dimmer": {
        "position": by_variant(_LIGHT_LEVEL, master=number("light_level_master_ratio", "%")),
        "min": SETTING,
        "max": SETTING,
        "step": SETTING,
    },
    "EIBDimmer": {"position": _LIGHT_LEVEL},
    "Gate": {
        "position": _OPENING,
        "active": named("gate_direction", codes.DIRECTIONS),
        "preventOpen": optional(digital("opening_prevented")),
        "preventClose": optional(digital("closing_prevented")),
    },
    "InfoOnlyAnalog": _MEASURED,
    "InfoOnlyDigital": {"active": digital("digital_active")},
    "InfoOnlyText": {"text": TEXT},
    "Jalousie": {
        "position": number("shading_position_ratio", "ratio"),
        "shadePosition": number("slat_position_ratio", "ratio"),
        "targetPosition": optional(number("shading_position_target_ratio", "ratio")),
        "targetPositionLamelle": optional(number("slat_position_target_ratio", "ratio")),
        "up": digital("moving_up"),
        "down": digital("moving_down"),
        "safetyActive": digital("safety_active"),
        "autoAllowed": optional(digital("automatic_allowed")),
        "autoActive": digital("automatic_active"),
        "locked": digital("locked"),
        "deviceState": named("shading_device_state", codes.DEVICE_STATES),
        "adjustingEndPos": BITS,
        "autoInfoText": TEXT,
        "autoState": UNKNOWN,
        "hasEndposition": UNKNOWN,
        "mode": UNKNOWN,
        "learningStep": UNKNOWN,
    },
    "LeftRightAnalog": _SET,
    "LeftRightDigital": {},
    "LightController": {
        "activeScene": named("light_scene", codes.LIGHT_SCENES),
        "sceneList": TEXT,
        "presenceFrom": UNKNOWN,
        "presenceTo": UNKNOWN,
    },
    "LightControllerV2": {
        "activeMoods": TEXT,
        "activeMoodsNum": named_by_owner("light_mood", Names(text="moodList"), codes.LIGHT_MOODS),
        "moodList": TEXT,
        "favoriteMoods": TEXT,
        "additionalMoods": TEXT,
        "circuitNames": TEXT,
        "daylightConfig": TEXT,
        "presence": optional(bits("light_presence", codes.LIGHT_PRESENCE)),
        "presenceFrom": UNKNOWN,
        "presenceTo": UNKNOWN,
    },
    "LightsceneRGB": {
        "activeScene": CODE,
        "color": COLOR,
        "red": _COLOR_CHANNEL,
        "green": _COLOR_CHANNEL,
        "blue": _COLOR_CHANNEL,
    },
    "MediaClient": {
        **_SERVER,
        **_TITLES,
        "playState": _PLAY_STATE,
        "power": digital("audio_power"),
        "volume": _VOLUME,
        "maxVolume": SETTING,
        "volumeStep": SETTING,
        "mute": optional(digital("audio_muted")),
        "shuffle": SWITCHABLE,
        "repeat": CODE,
        "duration": USELESS,
        "progress": USELESS,
        "source": IDENTIFIER,
    },
    "MsShortcut": {},
    "PulseAt": {
        "isActive": PULSE,
        "startTime": SETTING,
        "oneTimePulseDate": optional(time("pulse_planned", Epoch.LOXONE)),
        "pulseDuration": SETTING,
        "type": CODE,
    },
    "Pushbutton": {"active": PULSE},
    "Radio": {"activeOutput": named_by_owner("radio_output", Names(detail="outputs"), {0: "none"})},
    "Remote": {
        "mode": named_by_owner("remote_mode", Names(detail="modeList"), {0: "none"}),
        "timeout": USELESS,
        "active": USELESS,
    },
    "Sequential": {
        "activeSequence": named_by_owner("sequence", Names(detail="sequences"), {0: "none"})
    },
    "Slider": _SET,
    "Switch": {"active": digital("switch_active"), "lockedOn": _LOCKED},
    "SystemScheme": {},
    "TextInput": {"text": SECRET_TEXT},
    "TextState": {"textAndIcon": TEXT, "iconAndColor": TEXT},
    "TimedSwitch": {
        # Seconds that are left, or -1 where it stays on.
        "deactivationDelay": digital("timed_switch_active"),
        "deactivationDelayTotal": SETTING,
    },
    "UpDownAnalog": _SET,
    "UpDownDigital": {},
    "ValueSelector": {
        "value": set_by_hand(),
        "min": SETTING,
        "max": SETTING,
        "step": SETTING,
    },
    "Webpage": {},
    "Window": {
        "position": _OPENING,
        "targetPosition": optional(number("opening_target_ratio", "ratio")),
        "direction": named("window_direction", codes.DIRECTIONS),
        "lockedReason": TEXT,
        "type": CODE,
    },
}
