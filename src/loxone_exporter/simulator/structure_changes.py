"""Changes of a structure file, as somebody would make them in Loxone Config or by the API."""

from __future__ import annotations

import datetime as dt
import re

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.simulator.house import House
from loxone_exporter.simulator.structure_file import Document, read_document, write_document


_LAST_MODIFIED = "%Y-%m-%d %H:%M:%S"
_MARK = re.compile(r" \(change ([0-9]+)\)$")


def rename_a_control(house: House) -> None:
    """Give the first control of a house another name; `lastModified` becomes later.

    The name says how often that has happened. A structure file that is no JSON object stays.
    """
    document = read_document(house.structure)
    controls = document.get("controls")
    if isinstance(controls, dict):
        for control in [part for part in controls.values() if isinstance(part, dict)][:1]:
            name = str(control.get("name", ""))
            mark = _MARK.search(name)
            number = int(mark[1]) + 1 if mark else 1
            control["name"] = f"{_MARK.sub('', name)} (change {number})"
    if document:
        write_structure(house, document)


def write_structure(house: House, document: Document) -> None:
    """Give a house another structure file; its `lastModified` becomes later."""
    _put(house, document, _later(house.last_modified))


def date_structure(house: House, last_modified: str) -> None:
    """Give the structure file of a house another `lastModified`."""
    document = read_document(house.structure)
    if document:
        _put(house, document, last_modified)


def modifications_state(structure: bytes) -> StateUuid | None:
    """The global state that tells of changes made by the API, where there is one (section 5.5)."""
    states = read_document(structure).get("globalStates")
    if not isinstance(states, dict):
        return None
    try:
        return parse_uuid(str(states.get("modifications")))
    except ProtocolError:
        return None


def _put(house: House, document: Document, last_modified: str) -> None:
    document["lastModified"] = last_modified
    house.structure = write_document(document)
    house.last_modified = last_modified


def _later(last_modified: str) -> str:
    """A second later; a text that is no time becomes one."""
    try:
        moment = dt.datetime.strptime(last_modified, _LAST_MODIFIED)  # noqa: DTZ007  # of no zone
    except ValueError:
        moment = dt.datetime(2009, 1, 1)  # noqa: DTZ001  # likewise
    return (moment + dt.timedelta(seconds=1)).strftime(_LAST_MODIFIED)
