"""Structure files one after the other, and what is shown of them: scrapes, pages, `discover`."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final
from zlib import crc32

import trio

from fuzz.cases import Finding
from fuzz.documents import mutate_document, write_document
from fuzz.house import Wing, number_of_controls, whole_house
from fuzz.mutations import mutate
from fuzz.pages import QUERIES, judge_page
from fuzz.scrapes import judge
from loxone_exporter.config.model import (
    Config,
    FilterConfig,
    MetricsConfig,
    MiniserverConfig,
    OverrideConfig,
)
from loxone_exporter.config.secret import Secret
from loxone_exporter.errors import ProtocolError
from loxone_exporter.loxone.structure import parse_structure
from loxone_exporter.metrics.collector import LoxoneCollector
from loxone_exporter.metrics.counted import counted_states
from loxone_exporter.metrics.exposition import Exposition, Format
from loxone_exporter.state import ConnectionState, MiniserverState
from loxone_exporter.survey.discovery import discover
from loxone_exporter.survey.report import House, as_json, table
from loxone_exporter.survey.shown import told_series
from loxone_exporter.web.pages import Pages
from loxone_exporter.web.static_files import StaticFiles


BETWEEN: Final = b"\xff\x00\xff\x00"
"""Separates the files, or whatever there are several of, of one case."""

_MINISERVER: Final = MiniserverConfig(
    name="home", host="192.0.2.1", username="exporter", password=Secret("invented")
)
_ODD_VALUES: Final = (0.0, 1.0, -1.0, 2.0, 3.0, 127.0, 255.0, 0.5, -1000.0, 1e15, 1e300, 1e-300)
_ODD_TEXTS: Final = ("", "x", '[{"id": 3, "name": "Süd"}]', '{"locked": 2}', 'a"\\\n', "[1]")

_ALL: Final = ("*",)

_FILTERS: Final = (
    FilterConfig(),
    FilterConfig(),
    FilterConfig(exclude_classes=("presence", "alarm", "secured")),
    FilterConfig(include_states=("*e*",), exclude_rooms=("",), exclude_names=("*(*",)),
)

_OVERRIDES: Final = (
    OverrideConfig(types=_ALL, name="Twin"),
    OverrideConfig(types=_ALL, room=""),
    OverrideConfig(names=("*e*",), name="Twin (1)"),
    OverrideConfig(types=_ALL, quantity="cars"),
    OverrideConfig(states=("*a*",), quantity="cars", metric_type="counter"),
    OverrideConfig(types=_ALL, metric_type="counter"),
    OverrideConfig(types=_ALL, metric_type="gauge"),
    OverrideConfig(types=_ALL, unit="kWh", quantity="heat_pump"),
    OverrideConfig(states=("value",), unit="°C"),
    OverrideConfig(states=("value",), unit=""),
    OverrideConfig(types=("*Analog",), unit="€"),
    OverrideConfig(types=("Meter",), drop=True),
    OverrideConfig(types=_ALL, drop=False),
)


def draw_structures(chance: Random) -> bytes:
    """Two files, one after the other, for names are remembered."""
    every = number_of_controls()
    wing = Wing(chance.sample(range(every), chance.choice((1, 3, 8))))
    files = []
    for _ in range(2):
        document = wing.document
        if chance.random() < 9 / 10:
            # Most of the file is beside its controls, and would be hit most often.
            part = chance.choice(("controls", "controls", "controls", None))
            if part is None:
                document = mutate_document(document, chance)
            else:
                document = {**document, part: mutate_document(document[part], chance)}
        written = write_document(document, chance)
        files.append(mutate(written, chance) if chance.random() < 1 / 10 else written)
    return BETWEEN.join(files)


def read_structures(data: bytes) -> Sequence[Finding]:
    """Read the files, each as the one that has come after the other, and look at what is shown."""
    chance = Random(crc32(data))
    options = ("text_values", "uuid_label", "optional_quantities", "weather_forecast")
    config = Config(
        miniservers=(_MINISERVER,),
        metrics=MetricsConfig(**{option: chance.random() < 1 / 2 for option in options}),
        filter=chance.choice(_FILTERS),
        override=tuple(chance.sample(_OVERRIDES, chance.choice((0, 1, 3)))),
    )
    state = MiniserverState(
        name="home", connection=ConnectionState.CONNECTED, counted_states=counted_states
    )
    return trio.run(_show, data.split(BETWEEN), state, config, chance)


async def _show(
    files: Sequence[bytes], state: MiniserverState, config: Config, chance: Random
) -> Sequence[Finding]:
    """Take over files and values, as a session would, and look at what is shown."""
    collector = LoxoneCollector(config, [state])
    exposition = Exposition.of(collector)
    pages = Pages([state], collector, StaticFiles.read())
    findings: list[Finding] = []
    for payload in files:
        try:
            structure = parse_structure(payload)
        except ProtocolError as error:
            str(error).encode()
            continue
        state.replace_structure(structure)
        uuids = structure.state_uuids()
        state.begin_dump()
        state.apply_values([(uuid, chance.choice(_ODD_VALUES)) for uuid in uuids])
        texts = [uuid for uuid in uuids if chance.random() < 1 / 3]
        state.apply_texts([(uuid, chance.choice(_ODD_TEXTS)) for uuid in texts])
        state.apply_daytimers(whole_house().daytimers)
        state.apply_weather(whole_house().weather)
        state.end_dump()
        for format_ in Format:
            body = await exposition.render(format_)
            findings += judge(body, format_, thoroughly=chance.random() < 1 / 8)
        _, body = await pages.answer(chance.choice(QUERIES), gzip=False)
        findings += judge_page(body)
    controls = tuple(discover(state, config))
    house = House("home", "", controls, told=told_series(state, config))
    as_json([house]).encode()
    for width in (20, 80, 10_000):
        "\n".join(table([house], width)).encode()
    return findings
