"""Families of what is measured in a house and around it: climate, light, air, water, time."""

from __future__ import annotations

from typing import Final

from loxone_exporter.metrics.quantities.family import counters, gauges


_TEMPERATURES = gauges(
    "celsius",
    {
        "temperature": "Measured temperature.",
        "temperature_target": "Temperature that is aimed at now, or that somebody has set.",
        "temperature_comfort": "Comfort temperature of a room, when heating.",
        "temperature_comfort_cooling": "Comfort temperature of a room, when cooling.",
        "temperature_preset": "Temperature that is configured for a mode of a room controller.",
        "temperature_frost_protection": "Temperature below which a building is protected from "
        "frost.",
        "temperature_heat_protection": "Temperature above which a building is protected from heat.",
        "temperature_protection": "Temperature at which an air conditioner protects itself.",
        "temperature_heating_boundary": "Outdoor temperature below which there is heating.",
        "temperature_cooling_boundary": "Outdoor temperature above which there is cooling.",
        "temperature_shading": "Room temperature from which on a room asks for shade.",
        "temperature_outdoor": "Outdoor temperature as climate controllers repeat it, one for "
        "each; the sensor itself is in loxone_temperature_celsius.",
        "temperature_outdoor_average": "Average outdoor temperature of 48 hours as climate "
        "controllers repeat it.",
        "temperature_difference": "Measured difference of two temperatures.",
        "temperature_difference_target": "Difference of two temperatures that somebody has set: a "
        "hysteresis, an offset.",
        "temperature_tolerance": "How far a room's temperature may be from the comfort "
        "temperature.",
        "temperature_offset": "How much warmer or colder than the comfort temperature it is to be.",
        "dew_point": "Measured or computed dew point.",
    },
)

_RATIOS = gauges(
    "ratio",
    {
        "humidity": "Relative humidity of the air; 1 is saturated.",
        "humidity_target": "Relative humidity that is aimed at.",
        "soil_moisture": "Moisture of soil.",
        "soil_moisture_target": "Moisture of soil that somebody has set.",
        "fill_level": "How full a tank or a cistern is; 1 is full.",
        "fill_level_target": "How full a tank or a cistern is to be, as somebody has set.",
        "battery_charge": "Charge of a device's own battery; 1 is full. For that of the house see "
        "loxone_storage_charge_ratio.",
        "battery_charge_target": "Charge of a battery that somebody has set.",
        "valve_position": "Position of a valve or a mixer; 1 is open.",
        "valve_position_target": "Position of a valve or a mixer that somebody has set.",
        "light_level": "Brightness of a light; 1 is full.",
        "light_level_master": "Brightness of all lights of a controller together; 1 is full.",
        "light_level_target": "Brightness of a light that somebody has set.",
        "shading_position": "Position of a blind or an awning; 0 is up or in, 1 is down or out.",
        "shading_position_target": "Position that a blind is on its way to; 1 is down.",
        "slat_position": "Slats of a blind; 0 is horizontal, 1 is vertical.",
        "slat_position_target": "Position that slats are on their way to; 1 is vertical.",
        "opening": "How far a gate or a window is open; 1 is open.",
        "opening_target": "Position that a window is on its way to; 1 is open.",
        "pool_cover_position": "Cover of a pool; 0 is open, 1 is closed.",
        "fan_speed": "Speed of a fan or a ventilation; 1 is full.",
        "fan_speed_target": "Speed of a fan or a ventilation that somebody has set.",
        "pump_speed": "Speed of a pump or a counter-current system; 1 is full.",
        "pump_speed_target": "Speed of a pump that somebody has set.",
        "heating_demand": "Demand for heating; 1 is full.",
        "cooling_demand": "Demand for cooling; 1 is full.",
        "climate_threshold": "Demand from which on a climate controller starts.",
        "audio_volume": "Volume of an audio zone; 1 is full.",
        "audio_volume_target": "Volume that somebody has set.",
        "audio_volume_preset": "Volume of an audio zone that is configured for an occasion.",
        "audio_volume_limit": "Greatest volume of an audio zone.",
        "signal_strength": "Strength of a radio signal; 1 is full.",
        "color_channel": "Brightness of one colour of a light; 1 is full.",
        "unspecified": "Number in percent of which neither type, category nor name tells more.",
        "unspecified_target": "Number in percent that somebody has set, of which neither type, "
        "category nor name tells more.",
    },
)

_VOLUMES = [
    *counters(
        "cubic_meters",
        {
            "volume": "Volume that a meter has counted: of water, gas or heating oil.",
            "volume_reverse": "Volume that a meter has counted in its other direction.",
        },
    ),
    *gauges(
        "cubic_meters",
        {
            "volume_stored": "Volume that a tank or a pool holds.",
            "volume_day": "Volume since midnight.",
            "volume_week": "Volume since the week began.",
            "volume_month": "Volume since the month began.",
            "volume_year": "Volume since the year began.",
            "volume_reverse_day": "Volume in a meter's other direction since midnight.",
            "volume_reverse_week": "Volume in a meter's other direction since the week began.",
            "volume_reverse_month": "Volume in a meter's other direction since the month began.",
            "volume_reverse_year": "Volume in a meter's other direction since the year began.",
            "volume_target": "Volume that somebody has set.",
        },
    ),
    *gauges(
        "cubic_meters_per_second",
        {
            "flow": "Volume that flows: of water, gas or air.",
            "flow_target": "Flow that somebody has set.",
        },
    ),
]

_AIR_AND_WEATHER = [
    *gauges(
        "ppm",
        {
            "co2": "Carbon dioxide in the air.",
            "co2_target": "Carbon dioxide in the air that is aimed at.",
            "concentration": "Concentration of a gas or a substance, such as volatile organic "
            "compounds.",
            "concentration_target": "Concentration that somebody has set.",
            "air_quality": "Air quality as a ventilation measures it.",
        },
    ),
    *gauges(
        "grams_per_cubic_meter",
        {
            "absolute_humidity": "Water in the air.",
            "mass_concentration": "Mass in a volume, such as particulate matter.",
        },
    ),
    *gauges(
        "lux",
        {
            "illuminance": "Brightness of daylight or in a room.",
            "illuminance_target": "Brightness that somebody has set.",
        },
    ),
    *gauges(
        "meters_per_second",
        {
            "wind_speed": "Speed of the wind, or of its gusts.",
            "wind_speed_target": "Speed of the wind that somebody has set, mostly as a limit.",
            "speed": "Speed.",
            "speed_target": "Speed that somebody has set.",
            "precipitation_rate": "Precipitation in a time; 1 mm/h is 2.8e-7.",
            "precipitation_rate_target": "Precipitation in a time that somebody has set, mostly as "
            "a limit.",
        },
    ),
    *gauges(
        "degrees",
        {
            "wind_direction": "Where the wind comes from; 0 is north, 90 is east.",
            "angle": "Angle: of the sun, of an inclination.",
            "angle_target": "Angle that somebody has set.",
        },
    ),
    *gauges(
        "meters",
        {
            "precipitation": "Precipitation; 0.001 is one litre on a square metre.",
            "precipitation_target": "Precipitation that somebody has set, mostly as a limit.",
            "precipitation_expected": "Precipitation that an irrigation expects; taken as "
            "millimetres, which is not documented.",
            "precipitation_limit": "Expected precipitation from which on there is no irrigation.",
            "length": "Length, distance or level.",
            "length_target": "Length, distance or level that somebody has set.",
        },
    ),
    *gauges("watts_per_square_meter", {"irradiance": "Power of the sun on an area."}),
    *gauges(
        "pascals",
        {
            "pressure": "Pressure, of air or in a pipe.",
            "pressure_target": "Pressure that somebody has set.",
        },
    ),
    *gauges("decibels", {"sound_level": "Sound level or attenuation."}),
]

_OTHER = [
    *gauges("grams", {"mass": "Mass.", "mass_target": "Mass that somebody has set."}),
    *gauges("bytes", {"data": "Amount of data."}),
    *gauges("square_meters", {"area": "Area."}),
    *gauges(
        "",
        {
            "windows_open": "Windows and doors that are open.",
            "windows_closed": "Windows and doors that are closed.",
            "windows_tilted": "Windows that are tilted.",
            "windows_offline": "Windows and doors whose sensor is gone.",
            "windows_locked": "Windows and doors that are locked.",
            "windows_unlocked": "Windows and doors that are not locked.",
            "status_inputs": "Inputs of a status monitor that have the status which the label "
            "subcontrol numbers.",
            "alarm_iterations": "How often the present alarm was repeated.",
        },
    ),
]

_TIMES = [
    *counters(
        "seconds", {"operating": "Time in operation, as a maintenance counter has counted it."}
    ),
    *gauges(
        "seconds",
        {
            "duration": "Duration that is measured.",
            "duration_target": "Duration that somebody has set.",
            "maintenance_remaining": "Time in operation that is left until maintenance.",
            "maintenance_overdue": "Time for which maintenance is overdue.",
            "maintenance_interval": "Time in operation between two maintenances.",
            "wallbox_session": "Duration of the present or latest charging session.",
            "rain_duration_24h": "How long it has rained in the last 24 hours, at each moment "
            "anew.",
            "timer_remaining": "Time that is left of an override, a pool's cycle, a sauna or a "
            "timer.",
            "timer": "How long an override lasts in all.",
            "alarm_delay": "Configured delay of the next level of an alarm.",
            "alarm_arming_delay": "Configured delay until an alarm is armed.",
            "alarm_clock_ring": "How long an alarm clock rings.",
            "alarm_clock_prepare": "How long before the alarm an alarm clock prepares it.",
            "alarm_clock_snooze": "How long an alarm clock is silent after it was put off.",
            "optimizer_demand": "How long a price optimizer is to run.",
            "optimizer_period": "In which time a price optimizer is to run.",
            "forecast_period": "Length of the period of a forecast.",
            "smoke_alarm_service_remaining": "Time that is left of a smoke alarm's service mode; "
            "absent where that has no end.",
        },
    ),
    *gauges(
        "timestamp_seconds",
        {
            "alarm_started": "When the alarm was triggered, in Unix time; absent if it was not.",
            "alarm_next_level": "When the next level of an alarm begins; absent if none does.",
            "alarm_arming": "When the alarm will be armed; absent if it is not about to.",
            "disabled_until": "When something that was disabled for a time comes back; absent if "
            "nothing is disabled.",
            "alarm_clock_next": "When the alarm clock rings next; absent if it does not.",
            "presence_since": "Since when there has been somebody.",
            "last_access": "When a code or tag was used last; absent if never.",
            "maintenance_next": "When maintenance is due.",
            "override_end": "When an override or a timer ends; absent where none runs or it has "
            "no end.",
            "supply_end": "When a backup supply will be exhausted; absent if not known.",
            "forecast_made": "When a forecast was made.",
            "optimizer_cycle_start": "When the present cycle of a price optimizer began.",
            "optimizer_cycle_end": "When the present cycle of a price optimizer ends.",
            "last_activation": "When something was last in operation.",
            "pulse_planned": "When a single pulse is planned; absent if none is.",
        },
    ),
]

ENVIRONMENT: Final = (
    *_TEMPERATURES,
    *_RATIOS,
    *_VOLUMES,
    *_AIR_AND_WEATHER,
    *_OTHER,
    *_TIMES,
)
