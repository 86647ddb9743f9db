"""A TOML document as a Config: strict, and with every problem of the document at once.

The one cattrs converter of the program is here. The hooks it comes with would coerce (`"no"` is a
true bool), so each type of the model has a strict one. A hook raises ValueError; cattrs collects
the errors and knows where they belong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import GenericAlias
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from attrs import has
from cattrs import Converter
from cattrs.errors import (
    ClassValidationError,
    ForbiddenExtraKeysError,
    IterableValidationError,
)

from loxone_exporter.config.addresses import ListenAddress
from loxone_exporter.config.checks import describe, describe_kind, exactly
from loxone_exporter.config.findings import KeyPath, Problem
from loxone_exporter.config.model import Config, MiniserverConfig
from loxone_exporter.config.secret import Secret
from loxone_exporter.config.spelling import HEADERS, is_misspelt, suggestion


Hook: TypeAlias = Callable[[Any, Any], Any]


_NEEDED = {
    MiniserverConfig: (
        "at least one Miniserver is needed: a [[miniservers]] table in loxone-exporter.toml, which "
        "`loxone-exporter init` writes, or LOXONE_HOST, LOXONE_USERNAME and LOXONE_PASSWORD in the "
        "environment"
    ),
    ListenAddress: 'at least one address is needed, such as ":9504"',
}
"""Item types of arrays that must not be empty."""


def structure_config(document: dict[str, object]) -> tuple[Config | None, list[Problem]]:
    """The document's configuration, or everything that is wrong with the document.

    Args:
        document: Parsed TOML, its passwords already resolved.
    """
    if not is_misspelt("miniservers", document, Config):
        document = {"miniservers": [], **document}
    try:
        return _CONVERTER.structure(document, Config), []
    except ClassValidationError as error:
        return None, list(_problems(error, ()))


def _problems(error: Exception, path: KeyPath) -> Iterator[Problem]:
    match error:
        case ClassValidationError():
            of_attributes, of_table = error.group_exceptions()
            unknown = [key for inner in of_table for key in getattr(inner, "extra_fields", ())]
            for inner, attribute in of_attributes:
                # What is only misspelt is told as that, and not as missing besides.
                is_missing = isinstance(inner, KeyError)
                if not (is_missing and is_misspelt(attribute.name, unknown, error.cl)):
                    yield from _problems(inner, (*path, attribute.name))
            for inner in of_table:
                yield from _problems(inner, path)
        case IterableValidationError():
            for inner, item in error.group_exceptions()[0]:
                yield from _problems(inner, (*path, item.index))
        case ForbiddenExtraKeysError():
            for key in error.extra_fields:
                yield (*path, key), f"unknown key{suggestion(key, error.cl)}"
        case KeyError():
            yield path, "missing, but required"
        case _:
            yield path, str(error)


_CONVERTER = Converter(forbid_extra_keys=True, detailed_validation=True)

for _kind in (str, bool, int, float):
    _CONVERTER.register_structure_hook(_kind, exactly)
# passwords.py, authorities.py and server_tls.py have put these in place.
for _resolved in (Secret, Path, Path | None):
    _CONVERTER.register_structure_hook(_resolved, lambda value, _: value)


def _has_origin(origin: object) -> Callable[[Any], bool]:
    return lambda kind: get_origin(kind) is origin


@_CONVERTER.register_structure_hook_factory(has)
def _table_hook(table: type, converter: Converter) -> Hook:
    structure: Hook = converter.gen_structure_attrs_fromdict(table)

    def hook(value: object, _: object) -> object:
        if type(value) is dict:
            return structure(value, table)
        remedy = " with single brackets" if type(value) is list else ""
        wanted = f"a table, written {HEADERS[table]}{remedy}"
        raise ValueError(f"expected {wanted}, found {describe(value)}")

    return hook


@_CONVERTER.register_structure_hook_factory(_has_origin(tuple))
def _array_hook(kind: type, converter: Converter) -> Hook:
    item = get_args(kind)[0]
    items = GenericAlias(list, (item,))
    structure = converter.get_structure_hook(items)

    def hook(value: object, _: object) -> tuple[object, ...]:
        if type(value) is not list:
            wanted = "an array in square brackets"
            if item in HEADERS:
                wanted = f"an array of tables, written {HEADERS[item]} with double brackets"
            raise ValueError(f"expected {wanted}, found {describe(value)}")
        if not value and item in _NEEDED:
            raise ValueError(_NEEDED[item])
        return tuple(structure(value, items))

    return hook


@_CONVERTER.register_structure_hook_factory(_has_origin(Mapping))
def _users_hook(kind: type, converter: Converter) -> Hook:
    """The hook of `[web.basic_auth_users]`, the one table whose keys its owner invents."""
    users = GenericAlias(dict, get_args(kind))
    structure = converter.get_structure_hook(users)

    def hook(value: object, _: object) -> object:
        if type(value) is not dict:
            wanted = 'a table, written [web.basic_auth_users], of lines such as NAME = "$2b$10$…"'
            raise ValueError(f"expected {wanted}, found {describe_kind(value)}")
        if not value:
            raise ValueError("names nobody, and so keeps nobody out: add somebody, or remove it")
        return structure(value, users)

    return hook


@_CONVERTER.register_structure_hook_factory(_has_origin(Annotated))
def _checked_hook(kind: type) -> Hook:
    _, check = get_args(kind)
    return lambda value, _: check(value)


@_CONVERTER.register_structure_hook_factory(_has_origin(Literal))
def _choice_hook(kind: type) -> Hook:
    choices = get_args(kind)
    quoted = [f'"{choice}"' for choice in choices]
    expected = f"expected {', '.join(quoted[:-1])} or {quoted[-1]}"

    def hook(value: object, _: object) -> object:
        if value in choices:
            return value
        raise ValueError(f"{expected}, found {describe(value)}")

    return hook


@_CONVERTER.register_structure_hook
def _listen_address(value: object, _: object) -> ListenAddress:
    text = exactly(value, str)
    try:
        return ListenAddress.parse(text)
    except ValueError as error:
        raise ValueError(f"{error}; found {describe(text)}") from None
