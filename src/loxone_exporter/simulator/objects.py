"""What a simulated Miniserver tells of single objects (protocol reference, section 6.2).

Objects can be read. Who tries to operate one is refused, and noticed: the command is on record.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.answers import FORBIDDEN, NOT_FOUND, Answer, Reply
from loxone_exporter.simulator.device import Client, Device
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.parsing import Command
from loxone_exporter.simulator.structure_file import read_document


_MESSAGES_SINCE = (10,)
_MESSAGE_AGES = (3600, 86400)
_FORMAT = re.compile(r"%(?:(%)|(?:\.(\d))?[fd])")


def io(device: Device, command: Command, _client: Client) -> Reply:
    """`jdev/sps/io/{object}`: its value; with `/all` those of all its states.

    Whatever else could follow would operate the object. It is named by its UUID or by its name, a
    message centre by its UUID.
    """
    identifier, *rest = command.arguments or ("",)
    action = tuple(part.lower() for part in rest)
    directory = _directory(device.house.structure)
    if action[:1] == ("getentries",):
        known = identifier.lower() in directory.message_centres
        if not known or not device.profile.knows(_MESSAGES_SINCE):
            return Answer(code=NOT_FOUND)
        return Answer(_messages(device.now()))
    if action not in {(), ("all",)}:
        return Answer(code=FORBIDDEN)
    found = directory.objects.get(identifier.lower())
    if found is None:
        return Answer(code=NOT_FOUND)
    values = [_rendered(device.house, uuid, found.format) for _, uuid in found.states]
    members = {
        f"output{number}": {"name": name, "value": value}
        for number, ((name, _), value) in enumerate(zip(found.states, values, strict=True))
    }
    return Answer(values[0] if values else "", members=members if action else {})


def refused(_device: Device, _command: Command, _client: Client) -> Reply:
    """A command that would operate something, or the device itself."""
    return Answer(code=FORBIDDEN)


@frozen
class _Object:
    """A control: its states in the file's order, and how its value is written."""

    states: tuple[tuple[str, StateUuid], ...]
    format: str


@frozen
class _Directory:
    """The objects by UUID and by name, lower-case, and the UUIDs of the message centres."""

    objects: Mapping[str, _Object]
    message_centres: frozenset[str]


@functools.lru_cache(maxsize=4)
def _directory(structure: bytes) -> _Directory:
    document = read_document(structure)
    objects: dict[str, _Object] = {}
    for key, control in _parts(document.get("controls")):
        details = control.get("details")
        text_format = details.get("format") if isinstance(details, dict) else None
        found = _Object(tuple(_states(control)), str(text_format or ""))
        for name in (control.get("name"), control.get("uuidAction"), key):
            objects.setdefault(str(name).lower(), found)
    centres = {
        str(centre.get("uuidAction", key)).lower()
        for key, centre in _parts(document.get("messageCenter"))
    }
    return _Directory(objects, frozenset(centres))


def _parts(section: object) -> Iterator[tuple[str, dict[str, Any]]]:
    if isinstance(section, dict):
        for key, part in section.items():
            if isinstance(part, dict):
                yield key, part


def _states(control: Mapping[str, Any]) -> Iterator[tuple[str, StateUuid]]:
    states = control.get("states")
    if not isinstance(states, dict):
        return
    for name, state in states.items():
        try:
            yield name, parse_uuid(str(state[0] if isinstance(state, list) and state else state))
        except ProtocolError:
            continue


def _rendered(house: House, uuid: StateUuid, text_format: str) -> str:
    """A state's value as text, with the unit where the control has one (`31.3°C`)."""
    if uuid not in house.values:
        return house.texts.get(uuid, "")
    value = house.values[uuid]
    if not text_format:
        return f"{value:g}"
    return _FORMAT.sub(
        lambda match: "%" if match[1] else f"{value:.{match[2] or 0}f}",
        text_format,
    )


def _messages(now: float) -> str:
    """What a message centre has to say: JSON within JSON."""
    entries = [
        {
            "isHistoric": number > 0,
            "severity": 2 - number,
            "timestamps": [int(now) - age],
            "roomUuid": "",
        }
        for number, age in enumerate(_MESSAGE_AGES)
    ]
    return json.dumps({"entries": entries})
