"""What a control's entry in the structure file says of its values: formats, variants, nodes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final

from attrs import frozen

from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.replies import Json
from loxone_exporter.loxone.uuids import StateUuid, parse_uuid
from loxone_exporter.units import Format


_MAX_NODES = 256
"""Real flows have some ten nodes."""

_MAX_FORMAT = 64
"""Real formats have some ten characters; a longer text is none."""

_NONE: Final[Mapping[str, Format]] = MappingProxyType({})


@frozen
class FlowNode:
    """A node of an energy flow monitor (`EFM`).

    Attributes:
        title: Its name.
        role: `Grid`, `Production`, `Storage`, `Load`, `Group` and so on.
        state: The UUID of the state that tells its power; None where the file has none.
        meter: Key of the control that measures it; empty for a group.
    """

    title: str
    role: str
    state: StateUuid | None
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
    """

    formats: Mapping[str, Format] = _NONE
    state_formats: Mapping[str, Format] = _NONE
    type: str = ""
    is_analog: bool = False
    offsets: frozenset[int] = frozenset()
    nodes: tuple[FlowNode, ...] = ()

    def node_of(self, name: str, uuid: StateUuid) -> FlowNode | None:
        """The node whose power a state tells.

        Args:
            name: The state's name: `actual0` is of the first node, unless the file says otherwise.
            uuid: The state's UUID.
        """
        for index, node in enumerate(self.nodes):
            if node.state == uuid or (node.state is None and name == f"actual{index}"):
                return node
        return None


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
    )
    return NO_DETAILS if parsed == NO_DETAILS else parsed


def _formats(details: Mapping[str, Json]) -> Iterator[tuple[str, Format]]:
    for key, value in details.items():
        if not isinstance(value, str) or len(value) > _MAX_FORMAT:
            continue
        if key == "format" or key.endswith("Format"):
            yield key, Format.parse(value)
        elif "Unit" in key:
            yield key, Format(value, value.strip())


def _statistics(entry: Mapping[str, Json]) -> Iterator[tuple[str, Format]]:
    for group in _objects(_object(entry.get("statisticV2")).get("groups")):
        for point in _objects(group.get("dataPoints")):
            output, text = point.get("output"), point.get("format")
            if isinstance(output, str) and isinstance(text, str) and len(text) <= _MAX_FORMAT:
                yield output, Format.parse(text)


def _offsets(details: Mapping[str, Json]) -> Iterator[int]:
    for index, temperature in _object(details.get("temperatures")).items():
        if index.isdecimal() and _object(temperature).get("isAbsolute") is False:
            yield int(index)


def _nodes(details: Mapping[str, Json]) -> Iterator[FlowNode]:
    for node in list(_objects(details.get("nodes")))[:_MAX_NODES]:
        state: StateUuid | None = None
        with contextlib.suppress(ProtocolError):
            state = parse_uuid(_text(node.get("actualEfmState")))
        yield FlowNode(
            title=_text(node.get("title")),
            role=_text(node.get("nodeType")),
            state=state,
            meter=_text(node.get("ctrlUuid")),
        )


def _object(value: Json) -> Mapping[str, Json]:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> Iterator[Mapping[str, Json]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))


def _text(value: Json) -> str:
    return value if isinstance(value, str) else ""
