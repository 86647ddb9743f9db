"""Families of named states: for each member of a closed set, 1 or 0, told apart by `state`.

They are what kube-state-metrics makes of such things, for OpenMetrics' StateSet would want a label
that is called like the metric.
"""

from __future__ import annotations

from typing import Final

from loxone_exporter.metrics.quantities.family import gauges


NAMED: Final = gauges(
    "",
    {
        # Rooms and their climate.
        "room_active_mode": "Temperature mode of a room controller.",
        "room_operating_mode": "Operating mode that a room controller is set to.",
        "room_current_mode": "Operating mode that a room controller is in.",
        "room_override_reason": "Why a room controller departs from its schedule.",
        "room_prepare_state": "Whether a room is heated or cooled in advance.",
        "room_boundary_info": "How well a room controller knows the average outdoor temperature.",
        "room_capability": "What a room controller can do; several may be 1.",
        "room_controller_mode": "Mode of a room controller of the first generation.",
        "room_service_mode": "Service mode of a room controller of the first generation.",
        "room_manual_mode": "Manual mode of a room controller of the first generation.",
        "room_heating_temperature": "Which of its temperatures a room controller heats to.",
        "room_cooling_temperature": "Which of its temperatures a room controller cools to.",
        "climate_mode": "What a climate controller does.",
        "climate_automatic_mode": "What a climate controller may do by itself.",
        "climate_automatic_basis": "Which outdoor temperature a climate controller goes by.",
        "climate_boundary_info": "How well a climate controller knows the average outdoor "
        "temperature.",
        "climate_override_reason": "Why a climate controller departs from its automatic.",
        "climate_service_mode": "Service mode of a climate controller.",
        "climate_excess_energy": "What a climate controller uses excess energy for; several may "
        "be 1.",
        "climate_standby_reason": "Why a climate controller is in standby.",
        "hvac_mode": "Mode of an HVAC controller.",
        "hvac_status": "What an HVAC controller does, and what keeps it from it; several may be 1.",
        "hvac_stage": "Stage of an HVAC controller.",
        "hvac_outdoor_temperature_info": "How well an HVAC controller knows the outdoor "
        "temperature.",
        "hvac_outdoor_temperature_mode": "Which outdoor temperature an HVAC controller goes by.",
        "air_conditioner_pause_reason": "Why an air conditioner pauses; several may be 1.",
        "air_conditioner_mode": "Mode of an air conditioner.",
        "air_conditioner_fan": "Fan speed of an air conditioner.",
        "air_conditioner_airflow": "Airflow of an air conditioner.",
        "ventilation_mode": "Mode of a ventilation.",
        "ventilation_reason": "Why a ventilation runs as it does.",
        "ventilation_temperature_support": "Whether a ventilation helps to heat or to cool.",
        "solar_buffer_state": "State of a buffer of a thermal solar system.",
        "schedule_mode": "Operating mode of the house that a schedule goes by: a day of the week, "
        "a holiday, or one of the owner's own.",
        # Alarms and access.
        "alarm_level": "Level of a burglar alarm.",
        "alarm_next_level": "Next level of a burglar alarm.",
        "smart_alarm_level": "Level of a smart alarm.",
        "emergency_alarm_state": "State of an emergency alarm.",
        "smoke_alarm_level": "Level of a smoke or water alarm.",
        "smoke_alarm_next_level": "Next level of a smoke or water alarm.",
        "smoke_alarm_cause": "What a smoke or water alarm has noticed; several may be 1.",
        "alarm_chain_type": "What an alarm sequence does; several may be 1.",
        "alarm_clock_device_state": "State of the device of an alarm clock.",
        "alarm_clock_next_mode": "Operating mode of the house for which an alarm clock rings next.",
        "intercom_device_state": "State of an intercom.",
        "code_touch_problem": "What is wrong with an NFC Code Touch; several may be 1.",
        "lock_state": "Who keeps a control from being operated.",
        # Lights, blinds, gates, music.
        "light_scene": "Scene of a lighting controller of the first generation.",
        "light_mood": "Mood of a lighting controller.",
        "light_presence": "How a lighting controller deals with presence; several may be 1.",
        "shading_device_state": "State of the device of a blind.",
        "gate_direction": "Where a gate moves.",
        "window_direction": "Where a window moves.",
        "audio_server_state": "State of the server of an audio zone.",
        "audio_client_state": "State of the player of an audio zone.",
        "audio_play_state": "Whether an audio zone plays.",
        "audio_repeat": "What an audio zone repeats.",
        # Energy.
        "wallbox_device_state": "State of a wallbox of the first generation.",
        "wallbox_limit_mode": "Who limits a wallbox of the first generation.",
        "wallbox_mode": "Mode of a wallbox.",
        "wallbox_limited_by": "What limits a wallbox; several may be 1.",
        "wallbox_temporary_limitation": "Whether the grid's operator limits a wallbox.",
        "wallbox_manager_limited_by": "What limits a node of a wallbox manager; several may be 1.",
        "load_locked": "Which loads a load manager keeps off; several may be 1.",
        "load_active": "Which loads of a load manager are on; several may be 1.",
        "power_supply_status": "State of a power supply; several may be 1.",
        "power_supply_fuse_tripped": "Which fuses of a power supply have tripped.",
        # Water and machines.
        "irrigation_zone": "Which zone is watered.",
        "pool_operating_mode": "Operating mode of a pool.",
        "pool_temperature_mode": "Temperature mode of a pool.",
        "pool_cycle": "Cycle of a pool.",
        "pool_valve_position": "Position of the valve of a pool.",
        "pool_error_state": "Whether a pool has or had an error.",
        "sauna_mode": "Mode of a sauna.",
        "sauna_error_state": "What is wrong with a sauna.",
        "touch_grill_device_state": "State of a Touch & Grill.",
        "touch_grill_power_mode": "What a Touch & Grill runs on.",
        # What an owner makes anything of.
        "radio_output": "Which output of radio buttons is on.",
        "sequence": "Which sequence of a sequential controller runs.",
        "remote_mode": "Mode of a remote control for media.",
    },
)
