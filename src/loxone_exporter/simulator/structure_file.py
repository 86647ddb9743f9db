"""The structure file of a simulated Miniserver as a document, and as its device sends it."""

from __future__ import annotations

import functools
import json
from typing import Any

from loxone_exporter.simulator.profile import Profile


Document = dict[str, Any]


def read_document(structure: bytes) -> Document:
    """The document; an empty one where a house has something else."""
    try:
        document = json.loads(structure)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


def write_document(document: Document) -> bytes:
    """Write a document; half characters, which JSON can escape, are beyond UTF-8."""
    return json.dumps(document, ensure_ascii=False).encode(errors="replace")


@functools.lru_cache(maxsize=4)
def fit_structure(structure: bytes, profile: Profile, serial: str | None) -> bytes:
    """A house's structure file as a device sends it (section 5.5).

    A device that was chosen, which has a `miniserver_type`, sends its own type, serial number,
    firmware and kind of user, whatever the house has; another sends the house's. The file keeps its
    bytes where there is nothing to change, and where it has no `msInfo`.

    Args:
        structure: The structure file.
        profile: The device.
        serial: The serial number that a device says although it was not chosen.
    """
    document = read_document(structure)
    information = document.get("msInfo")
    if not isinstance(information, dict):
        return structure
    before = write_document(document)
    if serial is not None:
        information["serialNr"] = serial
    if profile.miniserver_type is not None:
        information |= {"serialNr": profile.serial, "miniserverType": profile.miniserver_type}
        if isinstance(information.get("currentUser"), dict):
            information["currentUser"]["isAdmin"] = profile.admin
        document["softwareVersion"] = [int(part) for part in profile.firmware.split(".")]
    after = write_document(document)
    return structure if after == before else after
