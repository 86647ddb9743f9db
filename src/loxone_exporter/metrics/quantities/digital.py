"""Families of digital states: 1 for yes, 0 for no."""

from __future__ import annotations

from typing import Final

from loxone_exporter.metrics.quantities.family import gauges


DIGITAL: Final = gauges(
    "",
    {
        # What an owner makes anything of.
        "digital_active": "1 while a digital state is on; what that means, its name says.",
        "switch_active": "1 while something is switched on.",
        "timed_switch_active": "1 while a staircase light or the like is on.",
        "schedule_active": "1 while a schedule without numbers is on.",
        "schedule_activation_needed": "1 while a schedule waits to be activated by hand.",
        "schedule_reset_active": "1 while an input keeps a schedule reset.",
        "value_error": "1 while a value is invalid; its own family then has none.",
        "locked": "1 while something cannot be operated.",
        # Rooms and their climate.
        "room_window_open": "1 while a room controller knows of an open window.",
        "room_climate_error": "1 while a room's temperature is out of its range.",
        "room_climate_stopped": "1 while a room controller is stopped.",
        "room_preparing": "1 while a room is heated or cooled in advance.",
        "room_shading_active": "1 while a room controller asks for shade.",
        "heating_active": "1 while a room controller or a sauna heats.",
        "cooling_active": "1 while a room controller cools.",
        "fan_active": "1 while the fan of a climate controller or a sauna runs.",
        "air_conditioner_active": "1 while an air conditioner is switched on.",
        "emergency_heating_active": "1 while emergency heating is forced.",
        "filter_due": "1 while the filter of a ventilation has to be changed.",
        "solar_heat_overload": "1 while a thermal solar system has too much heat.",
        "solar_pump_override_active": "1 while logic overrides the pump of a thermal solar system.",
        # Presence and alarms.
        "presence_active": "1 while there is somebody.",
        "alarm_armed": "1 while a burglar alarm is armed.",
        "alarm_movement_disabled": "1 while a burglar alarm ignores movements.",
        "alarm_leave_active": "1 while everybody is leaving, and the alarm waits.",
        "smoke_alarm_acoustic": "1 while the sirens of a smoke or water alarm sound.",
        "smoke_alarm_test": "1 while a smoke or water alarm is being tested.",
        "smoke_alarm_signals_off": "1 while the signals of a smoke or water alarm are switched "
        "off.",
        "alarm_clock_enabled": "1 while an alarm clock is set.",
        "alarm_clock_ringing": "1 while an alarm clock rings.",
        "alarm_clock_unconfirmed": "1 while an alarm clock waits to be confirmed.",
        "intercom_muted": "1 while the bell of an intercom is mute.",
        "mailbox_packet": "1 while there is a packet.",
        "mailbox_mail": "1 while there is mail.",
        "mailbox_notifications_disabled": "1 while the notifications of a mailbox are switched "
        "off.",
        # Blinds and gates.
        "moving_up": "1 while a blind goes up.",
        "moving_down": "1 while a blind goes down.",
        "automatic_active": "1 while the automatic shading of a blind is on.",
        "automatic_allowed": "1 while the automatic shading of a blind may act.",
        "safety_active": "1 while a safety shutdown, of wind for example, keeps a blind in.",
        "opening_prevented": "1 while a gate must not be opened.",
        "closing_prevented": "1 while a gate must not be closed.",
        # Energy.
        "wallbox_connected": "1 while a vehicle is connected.",
        "wallbox_charging": "1 while a vehicle is charged.",
        "wallbox_enabled": "1 while charging is allowed.",
        "wallbox_finished": "1 while a vehicle has been charged as wanted.",
        "wallbox_priority": "1 while a vehicle is charged with priority.",
        "wallbox_load_shed": "1 while a load manager keeps a wallbox off.",
        "wallbox_phase_switching": "1 while a wallbox changes the number of phases.",
        "power_limit_exceeded": "1 while more power is taken than a load manager allows.",
        "energy_monitor_online": "1 while the device behind an energy monitor can be reached.",
        "optimizer_active": "1 while the price is low enough for what a price optimizer serves.",
        "forecast_ready": "1 while there is a forecast of photovoltaic energy.",
        # Water, machines, music.
        "rain_active": "1 while an irrigation is told that it rains.",
        "pool_pump_active": "1 while the pump of a pool runs.",
        "pool_drain_valve_open": "1 while the drain valve of a pool is open.",
        "pool_eco_active": "1 while a pool is in its eco mode.",
        "pool_heating_approved": "1 while a pool may be heated.",
        "pool_cooling_approved": "1 while a pool may be cooled.",
        "pool_cover_opening": "1 while the cover of a pool opens.",
        "pool_cover_closing": "1 while the cover of a pool closes.",
        "pool_cycle_active": "1 while a pool circulates its water for the temperature's sake.",
        "sauna_active": "1 while a sauna is switched on.",
        "sauna_drying": "1 while a sauna is being dried.",
        "sauna_door_closed": "1 while the door of a sauna is closed.",
        "sauna_water_low": "1 while the evaporator of a sauna has too little water.",
        "sauna_error": "1 while a sauna has an error.",
        "touch_grill_active": "1 while a Touch & Grill is in use.",
        "touch_grill_alarm_active": "1 while a timer or a temperature of a Touch & Grill has "
        "reached "
        "its end.",
        "in_operation": "1 while what a maintenance counter watches is in operation.",
        "maintenance_due": "1 while maintenance is due.",
        "audio_power": "1 while an audio zone is switched on.",
        "audio_muted": "1 while an audio zone is mute.",
        "audio_shuffle": "1 while titles are played in any order.",
        "audio_bluetooth": "1 while an audio zone can be reached by Bluetooth.",
    },
)
