"""Alarms, access, presence and windows."""

from __future__ import annotations

from typing import Final

from attrs import evolve

from loxone_exporter.metrics.catalog import codes
from loxone_exporter.metrics.catalog.entry import (
    BITS,
    CODE,
    COUNTDOWN,
    IDENTIFIER,
    PERSONAL_TEXT,
    PULSE,
    SECRET_TEXT,
    SETTING,
    TEXT,
    UNKNOWN,
    USELESS,
    Epoch,
    Kind,
    Names,
    Privacy,
    bits,
    digital,
    named,
    named_by_owner,
    number,
    optional,
    revealing,
    seconds,
    time,
    untyped,
)


_DISABLED_UNTIL = time("disabled_until", Epoch.UNIX)
_NO_END = 99999
_BELL = evolve(PULSE, privacy=Privacy.PRESENCE)

# Undocumented: what they hold may be a number, and is private all the same.
_PERSONAL = untyped(Kind.UNKNOWN, "it tells about persons", Privacy.PERSON)
_SECRET = untyped(Kind.UNKNOWN, "it may open a door", Privacy.SECRET)

SAFETY: Final = {
    "AalEmergency": {
        "status": named("emergency_alarm_state", codes.EMERGENCY_ALARM_STATES),
        "disableEndTime": _DISABLED_UNTIL,
        "resetActive": TEXT,
    },
    "AalSmartAlarm": {
        "alarmLevel": named("smart_alarm_level", codes.SMART_ALARM_LEVELS),
        "alarmCause": PERSONAL_TEXT,
        "alarmTime": time("alarm_started", Epoch.UNIX),
        "isLocked": digital("locked"),
        "isLeaveActive": revealing(digital("alarm_leave_active")),
        "disableEndTime": _DISABLED_UNTIL,
    },
    "Alarm": {
        "armed": revealing(digital("alarm_armed")),
        "disabledMove": digital("alarm_movement_disabled"),
        "level": named("alarm_level", codes.ALARM_LEVELS),
        "nextLevel": named("alarm_next_level", codes.ALARM_LEVELS),
        "nextLevelAt": time("alarm_next_level", Epoch.UNIX),
        "nextLevelDelay": COUNTDOWN,
        "nextLevelDelayTotal": optional(seconds("alarm_delay")),
        "armedAt": time("alarm_arming", Epoch.UNIX),
        "armedDelay": COUNTDOWN,
        "armedDelayTotal": optional(seconds("alarm_arming_delay")),
        "sensors": TEXT,
        "startTime": TEXT,
    },
    "AlarmChain": {
        "activeAlarmType": bits("alarm_chain_type", codes.ALARM_CHAIN_TYPES),
        "nextAlarmLevelAt": time("alarm_next_level", Epoch.LOXONE),
        "activeAlarmText": TEXT,
        "nextAlarmText": TEXT,
        "iterationCount": number("alarm_iterations"),
    },
    "AlarmClock": {
        "isEnabled": digital("alarm_clock_enabled"),
        "isAlarmActive": digital("alarm_clock_ringing"),
        "confirmationNeeded": digital("alarm_clock_unconfirmed"),
        "entryList": PERSONAL_TEXT,
        "currentEntry": IDENTIFIER,
        "nextEntry": IDENTIFIER,
        "nextEntryMode": optional(named_by_owner("alarm_clock_next_mode", Names(is_house=True))),
        "nextEntryTime": revealing(time("alarm_clock_next", Epoch.LOXONE)),
        "ringingTime": COUNTDOWN,
        "ringDuration": optional(seconds("alarm_clock_ring")),
        "prepareDuration": optional(seconds("alarm_clock_prepare")),
        "snoozeTime": COUNTDOWN,
        "snoozeDuration": optional(seconds("alarm_clock_snooze")),
        "deviceState": named("alarm_clock_device_state", codes.DEVICE_STATES),
        "deviceSettings": TEXT,
        "wakeAlarmSoundSettings": TEXT,
    },
    "Intercom": {
        "bell": _BELL,
        "lastBellEvents": PERSONAL_TEXT,
        "lastBellTimestamp": evolve(TEXT, privacy=Privacy.PRESENCE),
        "version": TEXT,
    },
    "IntercomV2": {
        "bell": _BELL,
        "address": TEXT,
        "answers": TEXT,
        "muted": optional(digital("intercom_muted")),
        "deviceState": named("intercom_device_state", codes.INTERCOM_DEVICE_STATES),
        "videoSettingsIntern": BITS,
        "videoSettingsExtern": BITS,
    },
    "MailBox": {
        "notificationsDisabledInput": optional(digital("mailbox_notifications_disabled")),
        "packetReceived": digital("mailbox_packet"),
        "mailReceived": digital("mailbox_mail"),
        "disableEndTime": optional(time("disabled_until", Epoch.LOXONE)),
    },
    "NfcCodeTouch": {
        "historyDate": revealing(time("last_access", Epoch.UNIX_MILLISECONDS)),
        "codeDate": USELESS,
        "deviceState": bits("code_touch_problem", codes.CODE_TOUCH_PROBLEMS),
        "nfcLearnResult": SECRET_TEXT,
        "keyPadAuthType": CODE,
        "events": _PERSONAL,
        "lastid": _PERSONAL,
        "lastuser": _PERSONAL,
        "lasttag": _SECRET,
        "lastcode": _SECRET,
    },
    "Presence": {},
    "PresenceDetector": {
        "active": revealing(digital("presence_active")),
        "activeSince": revealing(time("presence_since", Epoch.LOXONE)),
        "locked": optional(digital("locked")),
        "time": SETTING,
        "activeUntil": UNKNOWN,
        "lockedUntil": UNKNOWN,
    },
    "SmokeAlarm": {
        "level": named("smoke_alarm_level", codes.SMOKE_ALARM_LEVELS),
        "nextLevel": named("smoke_alarm_next_level", codes.ALARM_LEVELS),
        "nextLevelDelay": COUNTDOWN,
        "nextLevelDelayTotal": SETTING,
        "acousticAlarm": digital("smoke_alarm_acoustic"),
        "testAlarm": digital("smoke_alarm_test"),
        "alarmCause": bits("smoke_alarm_cause", codes.SMOKE_ALARM_CAUSES),
        "startTime": TEXT,
        "timeServiceMode": seconds("smoke_alarm_service_remaining", _NO_END),
        "areAlarmSignalsOff": optional(digital("smoke_alarm_signals_off")),
        "sensors": TEXT,
    },
    "StatusMonitor": {
        "numState#": number("status_inputs"),
        "numDef": number("status_inputs"),
        "numCdef": number("status_inputs"),
        "inputStates": TEXT,
    },
    "Tracker": {"entries": PERSONAL_TEXT},
    "WindowMonitor": {
        "numOpen": number("windows_open"),
        "numClosed": number("windows_closed"),
        "numTilted": number("windows_tilted"),
        "numOffline": number("windows_offline"),
        "numLocked": number("windows_locked"),
        "numUnlocked": number("windows_unlocked"),
        "windowStates": TEXT,
    },
}
