"""What the structure file has beside its controls (control catalog, Sections outside `controls`).

Whatever makes no sense in them is passed over. What tells about persons is not read at all, but for
the rights of the user who reads the file.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from typing import Final

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.codes import parse_names
from loxone_exporter.loxone.decoding import Json
from loxone_exporter.loxone.details import read_format
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.units import Format


@frozen
class UserRights:
    """What the user may do who reads the file, as far as it says so (section 5.5).

    Attributes:
        has_full_access: Whether that is everything.
        permissions: Bits of section 3.4, by which files of different users differ as expected.
    """

    has_full_access: bool | None = None
    permissions: int | None = None


UNKNOWN_RIGHTS: Final = UserRights()


def section(document: Mapping[str, Json], name: str) -> Mapping[str, Json]:
    """A section of the file, or of a section; empty where there is none."""
    found = document.get(name)
    return found if isinstance(found, dict) else {}


def named_states(part: Mapping[str, Json]) -> Mapping[str, StateUuid]:
    """The states of a section, by name."""
    return dict(_states(part))


def parse_operating_modes(document: Mapping[str, Json]) -> Mapping[int, str]:
    """The names that the owner gave to operating modes, by id."""
    return parse_names(document.get("operatingModes"))


def parse_message_center(document: Mapping[str, Json]) -> Mapping[str, StateUuid]:
    """The states of the message center, by name.

    Real files have one under a UUID. A file that somebody made by hand has it without.
    """
    center = section(document, "messageCenter")
    for part in (center, *center.values()):
        if isinstance(part, dict) and (states := named_states(section(part, "states"))):
            return states
    return {}


def parse_user_rights(document: Mapping[str, Json]) -> UserRights:
    """The rights of the user who reads the file."""
    user = section(section(document, "msInfo"), "currentUser")
    is_admin, rights = user.get("isAdmin"), user.get("userRights")
    return UserRights(
        is_admin if isinstance(is_admin, bool) else None,
        rights if isinstance(rights, int) and not isinstance(rights, bool) else None,
    )


def parse_weather_formats(document: Mapping[str, Json]) -> Mapping[str, Format]:
    """The format strings of the weather, by field."""
    formats = section(section(document, "weatherServer"), "format")
    read = ((field, read_format(value)) for field, value in formats.items())
    return {field: format_ for field, format_ in read if format_ is not None}


def parse_weather_types(document: Mapping[str, Json]) -> Mapping[int, str]:
    """What the weather service's codes mean, in the language of the configuration."""
    return parse_names(section(document, "weatherServer").get("weatherTypeTexts"))


def _states(part: Mapping[str, Json]) -> Iterator[tuple[str, StateUuid]]:
    for name, uuid in part.items():
        with contextlib.suppress(ProtocolError):
            yield name, parse_uuid(uuid if isinstance(uuid, str) else "")
