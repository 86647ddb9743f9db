"""Structure files that are not as they should be (protocol reference, section 9)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from loxone_exporter.simulator.faults import Faults
from loxone_exporter.simulator.structure_file import Document, read_document


STAND_IN: Final = "\ufffd"
"""A character that `spoil_utf8` turns into bytes that are no UTF-8."""

_STAND_IN_BYTES: Final = STAND_IN.encode()
_NO_UTF8: Final = b"\xff\xc0\xfe"
_CONTROL_CHARACTERS: Final = "\n\t"
_ESCAPED_CONTROL_CHARACTERS: Final = "\\n\\t"
_BYTE_ORDER_MARK: Final = b"\xef\xbb\xbf"


def spoil_structure(structure: bytes, faults: Faults) -> bytes:
    """A structure file with what is wrong about it; without faults it is the same object.

    Changes to its content need a file that is JSON; another is left as it is.
    """
    changes = [change for name, change in _CHANGES.items() if getattr(faults, name)]
    if changes or faults.control_characters:
        structure = _changed(structure, changes, with_control_characters=faults.control_characters)
    if faults.invalid_utf8_structure:
        structure = spoil_utf8(structure)
    if faults.structure_bom:
        structure = _BYTE_ORDER_MARK + structure
    if faults.truncated_structure:
        structure = structure[: len(structure) // 2]
    return structure


def spoil_utf8(encoded: bytes) -> bytes:
    """Turn each stand-in into bytes that are no UTF-8; the length stays."""
    return encoded.replace(_STAND_IN_BYTES, _NO_UTF8)


def spoil_json(text: str) -> str:
    """Put raw line feeds and tabs into the texts of a JSON document, or at the end of any text."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return text + _CONTROL_CHARACTERS
    if not isinstance(document, dict | list):
        return text + _CONTROL_CHARACTERS
    return _write(_with_control_characters(document), raw=True)


def _changed(
    structure: bytes, changes: list[Callable[[Document], None]], *, with_control_characters: bool
) -> bytes:
    document = read_document(structure)
    if not document:
        return structure
    for change in changes:
        change(document)
    if with_control_characters:
        for control in _controls(document):
            if isinstance(control.get("name"), str):
                control["name"] += _CONTROL_CHARACTERS
    return _write(document, raw=with_control_characters).encode()


def _write(document: Any, *, raw: bool) -> str:  # noqa: ANN401  # any JSON
    text = json.dumps(document, ensure_ascii=False, separators=(",", ":"))
    return text.replace(_ESCAPED_CONTROL_CHARACTERS, _CONTROL_CHARACTERS) if raw else text


def _with_control_characters(part: Any) -> Any:  # noqa: ANN401  # any JSON
    if isinstance(part, dict):
        return {name: _with_control_characters(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_with_control_characters(value) for value in part]
    return part + _CONTROL_CHARACTERS if isinstance(part, str) else part


def _controls(document: Document) -> Iterator[Document]:
    controls = document.get("controls")
    if isinstance(controls, dict):
        yield from (control for control in controls.values() if isinstance(control, dict))


def _mark_a_name(document: Document) -> None:
    for control in _controls(document):
        control["name"] = f"{control.get('name', '')}{STAND_IN}"
        return


def _forget_version(document: Document) -> None:
    document.pop("softwareVersion", None)
    details = document.get("msInfo")
    if isinstance(details, dict):
        details.pop("serialNr", None)


def _share_states(document: Document) -> None:
    first: dict[str, Any] = {}
    for control in _controls(document):
        if isinstance(control.get("states"), dict):
            control["states"] = first.setdefault(str(control.get("type")), control["states"])


def _list_states(document: Document) -> None:
    for control in _controls(document):
        states = control.get("states")
        if isinstance(states, dict):
            control["states"] = {
                name: state if isinstance(state, list) else [state]
                for name, state in states.items()
            }


_CHANGES: Final[Mapping[str, Callable[[Document], None]]] = {
    "invalid_utf8_structure": _mark_a_name,
    "missing_software_version": _forget_version,
    "shared_states": _share_states,
    "state_lists": _list_states,
}
