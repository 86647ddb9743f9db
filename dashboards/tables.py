"""Tables of numbers as they are now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from string import ascii_uppercase
from typing import Unpack

from attrs import field, frozen
from grafana_foundation_sdk.builders import common, prometheus
from grafana_foundation_sdk.builders import table as tables
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from dashboards.looks import PLAIN, Look, Names, Steps, by_thresholds, dress, mappings, thresholds


@frozen
class Column:
    """A column of numbers.

    Attributes:
        name: Above it.
        expr: PromQL; its labels are the same in all columns of a table.
        unit: As in `Look`, and so are the next three.
        decimals: Digits behind the point.
        steps: Colours by value.
        names: Names of values.
        is_filled: Whether the colour is that of the whole cell.
    """

    name: str
    expr: str
    unit: str = field(default="", kw_only=True)
    decimals: int | None = field(default=None, kw_only=True)
    steps: Steps = field(default=(), kw_only=True)
    names: Names = field(factory=dict, kw_only=True)
    is_filled: bool = field(default=False, kw_only=True)


def table(
    title: str,
    labels: Mapping[str, str],
    *those: Column,
    none: str,
    sort: tuple[str, bool] | None = None,
    label_links: Mapping[str, tuple[str, str]] | None = None,
    by_page: bool = False,
    **look: Unpack[Look],
) -> tables.Panel:
    """Numbers as they are now, a row for each set of labels.

    Args:
        title: Above it.
        labels: The labels that are shown, and what stands above them; others are hidden.
        those: Its further columns.
        none: What is said where there is nothing.
        sort: By which column, and whether the greatest comes first.
        label_links: Where a click on a label leads, by what stands above it: title and address.
        by_page: Show a page at a time, and not all rows.
        look: How it looks.
    """
    panel = (
        tables.Panel()
        .cell_height(common_models.TableCellHeight.SM)
        .filterable(filterable=True)
        .color_scheme(by_thresholds())
    )
    dress(panel, title, none, {"width": 12, "height": 9, "steps": PLAIN, **look})
    for letter, column in zip(ascii_uppercase, those, strict=False):
        panel.with_target(
            prometheus.Dataquery()
            .expr(column.expr)
            .instant()
            .format(prometheus_models.PromQueryFormat.TABLE)
            .editor_mode(prometheus_models.QueryEditorMode.CODE)
            .ref_id(letter)
        )
        panel.override_by_name(column.name, list(_properties(column)))
    for heading, (link_title, url) in (label_links or {}).items():
        links = [{"title": link_title, "url": url}]
        panel.override_by_name(heading, [models.DynamicConfigValue("links", links)])
    # One query leaves its column the plain name.
    values = ["Value"] if len(those) == 1 else [f"Value #{letter}" for letter in ascii_uppercase]
    columns_by_value = dict(zip(values, those, strict=False))
    order = [*labels, *columns_by_value]
    hidden = {"Time", "__name__", "instance", "job", "miniserver", "uuid"} - labels.keys()
    panel.with_transformation(models.DataTransformerConfig(id_val="merge", options={}))
    panel.with_transformation(
        models.DataTransformerConfig(
            id_val="organize",
            options={
                "excludeByName": dict.fromkeys(sorted(hidden), True),
                "indexByName": {name: place for place, name in enumerate(order)},
                "renameByName": {
                    **labels,
                    **{value: column.name for value, column in columns_by_value.items()},
                },
            },
        )
    )
    if by_page:
        panel.footer(common.TableFooterOptions().show(show=False).enable_pagination(by_page))
    if sort is not None:
        by, is_descending = sort
        panel.sort_by([common.TableSortByFieldState().display_name(by).desc(is_descending)])
    return panel


def _properties(column: Column) -> Iterator[models.DynamicConfigValue]:
    if column.unit:
        yield models.DynamicConfigValue("unit", column.unit)
    if column.decimals is not None:
        yield models.DynamicConfigValue("decimals", column.decimals)
    if column.names:
        yield models.DynamicConfigValue("mappings", mappings(column.names))
    if column.steps:
        yield models.DynamicConfigValue("thresholds", thresholds(column.steps).build())
    if column.steps or column.names:
        cell = "color-background" if column.is_filled else "color-text"
        yield models.DynamicConfigValue("custom.cellOptions", {"type": cell, "mode": "basic"})
