"""docs/configuration.md: every option of the model, as it is, and no other."""

from __future__ import annotations

import json
import re
import types
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import pytest
from attrs import NOTHING, Attribute, fields, has

from loxone_exporter.config import model
from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.durations import format_duration
from loxone_exporter.config.findings import ConfigurationError
from loxone_exporter.config.secret import Secret
from support.configs import MINISERVER, load_text
from support.documents import ROOT, rows


PAGE = ROOT / "docs" / "configuration.md"

# What the page calls a type; one that is not here is a choice, or needs a word.
WORDS: dict[object, str] = {
    bool: "true or false",
    model.Host: "name or address",
    model.OneLine: "text",
    model.LineOrNone: 'text, also `""`',
    model.Port: "1 to 65535",
    model.ConnectionCount: "1 to 10000",
    model.SeriesLimit: "1 to 10000000",
    model.TextLength: "1 to 1024",
    model.ShardCount: "1 to 1000",
    model.ShardIndex: "0 to 999",
    model.DurationOrNever: 'duration, or `"never"`',
    model.Patterns: "patterns",
    model.SerialNumber: "serial number",
    model.ServerName: "host name",
    model.Fingerprint: "SHA-256",
    model.Quantity: "quantity",
    model.UnitSpelling: "unit",
    Path: "file",
    Secret: "text",
    tuple[ListenAddress, ...]: "addresses",
}

# How a Miniserver's password is given: three keys, of which the model knows what came of them.
ONE_OF_THREE = {
    "password": ("text", "one of three"),
    "password_file": ("file", "one of three"),
    "password_env": ("variable", "one of three"),
}

# What an option needs beside it, if it is not the default.
COMPANIONS = {"count": "index = 0"}

Row = tuple[str, str]


def bare(option: Attribute[Any]) -> Any:  # noqa: ANN401  # an annotation
    """The type of an option, without `| None`."""
    kind = option.type
    if get_origin(kind) in {types.UnionType, Union}:
        (kind,) = (part for part in get_args(kind) if part is not type(None))
    return kind


def tables(owner: type = model.Config, above: str = "") -> Iterator[tuple[str, type]]:
    """The header of each table of the model, with its class."""
    for option in fields(owner):
        kind = bare(option)
        items = get_args(kind)
        if kind in WORDS:
            continue
        if has(kind):
            yield f"[{above}{option.name}]", kind
            yield from tables(kind, f"{above}{option.name}.")
        elif items and has(items[0]):
            yield f"[[{above}{option.name}]]", items[0]


TABLES = dict(tables())


def mappings(owner: type = model.Config, above: str = "") -> Iterator[str]:
    """The header of each table of which the owner chooses the keys."""
    for option in fields(owner):
        kind = bare(option)
        if get_origin(kind) is Mapping:
            yield f"[{above}{option.name}]"
        elif kind not in WORDS and has(kind):
            yield from mappings(kind, f"{above}{option.name}.")


def is_option(option: Attribute[Any]) -> bool:
    """Whether it is a key with a value, and not a table of its own."""
    kind = bare(option)
    return kind in WORDS or not (has(kind) or get_origin(kind) is Mapping)


def word(kind: object) -> str:
    """What the page calls a type."""
    if kind in WORDS:
        return WORDS[kind]
    if get_origin(kind) is Annotated:
        return word(get_args(kind)[0])
    if get_origin(kind) is tuple:
        return f"any of {word(get_args(kind)[0])}"
    assert get_origin(kind) is Literal, f"how does the page call {kind}?"
    return ", ".join(f'`"{choice}"`' for choice in get_args(kind))


def default(option: Attribute[Any]) -> str:
    """How the page shows a default."""
    if option.default is NOTHING:
        return "required"
    match option.default:
        case None:
            return "none"
        case float() as seconds:
            return f'`"{format_duration(seconds)}"`'
        case tuple() as items:
            return f"`{json.dumps([str(item) for item in items])}`"
        case value:
            return f"`{json.dumps(value)}`"


@pytest.mark.parametrize("header", TABLES)
def test_every_option_is_there_with_its_type_and_default(header: str) -> None:
    documented = {
        cells[0].strip("`"): (cells[1], cells[2]) for cells in rows(PAGE, f"## `{header}`")
    }
    options = [option for option in fields(TABLES[header]) if is_option(option)]
    expected = {option.name: (word(bare(option)), default(option)) for option in options}
    if header == "[[miniservers]]":
        expected |= ONE_OF_THREE
    assert expected == documented


def test_every_table_is_there_and_no_other() -> None:
    headings = re.findall(r"^## `(\[.*\])`$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)
    assert sorted([*TABLES, *mappings()]) == sorted(headings)


@pytest.mark.parametrize("header", TABLES)
def test_every_option_has_a_meaning(header: str) -> None:
    for cells in rows(PAGE, f"## `{header}`"):
        assert 4 == len(cells), cells
        assert cells[3].endswith("."), cells


def test_bounds_are_those_of_the_checks(tmp_path: Path) -> None:
    bounded = [
        (header, cells[0].strip("`"), cells[1].partition(" to "))
        for header in TABLES
        for cells in rows(PAGE, f"## `{header}`")
        if " to " in cells[1]
    ]
    assert len(bounded) >= 4
    for header, key, (lowest, _, highest) in bounded:
        low, high = int(lowest), int(highest)
        for number, is_good in ((low - 1, False), (low, True), (high, True), (high + 1, False)):
            line = "\n".join((f"{key} = {number}", COMPANIONS.get(key, "")))
            text = (
                f"{MINISERVER}{line}"
                if header == "[[miniservers]]"
                else f"{header}\n{line}\n{MINISERVER}"
            )
            if is_good:
                load_text(tmp_path, text)
            else:
                with pytest.raises(ConfigurationError, match=f"from {low} to {high}"):
                    load_text(tmp_path, text)
