"""What a control's entry in the structure file says of its values: formats, variants, nodes."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.codes import cut_name, parse_names
from loxone_exporter.loxone.decoding import Json
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.units import Format


_MAX_NODES = 256
"""Real flows have some ten nodes."""

_MAX_FORMAT = 64
"""Real formats have some ten characters; a longer text is none."""

_NODE_STATE = re.compile(r"actual\d+")
_INDEX = re.compile(r"\d{1,3}")

_NONE: Final[Mapping[str, Format]] = MappingProxyType({})
_UNNAMED: Final[Mapping[str, Mapping[int, str]]] = MappingProxyType({})

_NAMED: Final = ("outputs", "sequences", "modes", "modeList", "loads")
"""Keys of details that name the codes of a state: radio buttons, sequences, modes, loads."""

_NONE_OF_THEM: Final = {"outputs": "allOff"}
"""Keys that name the code 0 of those."""


@frozen
class FlowNode:
    """A node of an energy flow monitor (`EFM`).

    Attributes:
        title: Its name.
        role: `Grid`, `Production`, `Storage`, `Load`, `Group` and so on.
        state: The state that tells its power: its UUID, as files have it, or its name, as the
            document says.
        meter: Key of the control that measures it; empty for a group.
    """

    title: str
    role: str
    state: StateUuid | str
    meter: str


@frozen
class Details:
    """What tells more of a control's values than its type does.

    Attributes:
        formats: The format strings of `details`, by key (`actualFormat`). A unit that stands alone
            there (`waterLevelUnit`) counts as one.
        state_formats: Format strings of the statistics, by name of the state.
        type: Of a meter, `unidirectional`, `bidirectional` or `storage`; empty elsewhere.
        is_analog: Whether a schedule has numbers, not only on and off.
        offsets: Of a list of temperatures, which are differences.
        nodes: The root nodes of an energy flow.
        names: Names that an owner gave to codes, by key of `details` (`outputs`) and code.
    """

    formats: Mapping[str, Format] = _NONE
    state_formats: Mapping[str, Format] = _NONE
    type: str = ""
    is_analog: bool = False
    offsets: frozenset[int] = frozenset()
    nodes: tuple[FlowNode, ...] = ()
    names: Mapping[str, Mapping[int, str]] = MappingProxyType({})

    def node_of(self, name: str, uuid: StateUuid) -> FlowNode | None:
        """The node whose power a state tells, by the state's UUID, or else by its name."""
        found = (node for told in (uuid, name) for node in self.nodes if node.state == told)
        return next(found, None)


NO_DETAILS: Final = Details()


def parse_details(entry: Mapping[str, Json]) -> Details:
    """Read what the entry of a control says beside its name, type and states.

    Whatever makes no sense is passed over: the values are exported all the same.

    Args:
        entry: The control's, from the structure file.
    """
    details = _object(entry.get("details"))
    parsed = Details(
        formats=dict(_formats(details)) or _NONE,
        state_formats=dict(_statistics(entry)) or _NONE,
        type=_text(details.get("type")),
        is_analog=details.get("analog") is True,
        offsets=frozenset(_offsets(details)),
        nodes=tuple(_nodes(details)),
        names={key: names for key in _NAMED if (names := _names(details, key))} or _UNNAMED,
    )
    return NO_DETAILS if parsed == NO_DETAILS else parsed


def read_format(value: Json) -> Format | None:
    """A format string; None for anything else."""
    text = _short_text(value)
    return None if text is None else Format.parse(text)


def _formats(details: Mapping[str, Json]) -> Iterator[tuple[str, Format]]:
    for key, value in details.items():
        text = _short_text(value)
        if text is None:
            continue
        if key == "format" or key.endswith("Format"):
            yield key, Format.parse(text)
        elif "Unit" in key:
            yield key, Format(text, text.strip())


def _statistics(entry: Mapping[str, Json]) -> Iterator[tuple[str, Format]]:
    for group in _objects(_object(entry.get("statisticV2")).get("groups")):
        for point in _objects(group.get("dataPoints")):
            output, format_ = point.get("output"), read_format(point.get("format"))
            if isinstance(output, str) and format_ is not None:
                yield output, format_


def _offsets(details: Mapping[str, Json]) -> Iterator[int]:
    for index, temperature in _object(details.get("temperatures")).items():
        if _INDEX.fullmatch(index) and _object(temperature).get("isAbsolute") is False:
            yield int(index)


def _nodes(details: Mapping[str, Json]) -> Iterator[FlowNode]:
    nodes = details.get("nodes")
    for index, node in enumerate(nodes[:_MAX_NODES] if isinstance(nodes, list) else ()):
        if isinstance(node, dict):
            yield FlowNode(
                title=cut_name(_text(node.get("title"))),
                role=cut_name(_text(node.get("nodeType"))),
                state=_state_of_node(_text(node.get("actualEfmState")), index),
                meter=_text(node.get("ctrlUuid")),
            )


def _state_of_node(text: str, index: int) -> StateUuid | str:
    with contextlib.suppress(ProtocolError):
        return parse_uuid(text)
    # States are numbered like the nodes, where the file does not say otherwise.
    return text if _NODE_STATE.fullmatch(text) else f"actual{index}"


def _names(details: Mapping[str, Json], key: str) -> Mapping[int, str]:
    names = parse_names(details.get(key))
    of_none = _text(details.get(_NONE_OF_THEM.get(key, "")))
    return {0: cut_name(of_none), **names} if names and of_none else names


def _short_text(value: Json) -> str | None:
    """A text that may be a format; None for anything else."""
    return value if isinstance(value, str) and len(value) <= _MAX_FORMAT else None


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
