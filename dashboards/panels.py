"""A panel of each kind, with what all of ours have: a unit, thresholds, and a word for "nothing".

A panel of which a house has nothing says so: `none` is its text then, in panels of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from string import ascii_uppercase
from typing import Any, Final, Protocol, Self, TypeAlias, TypedDict, TypeVar, Unpack

from attrs import frozen
from grafana_foundation_sdk.builders import (
    barchart,
    bargauge,
    common,
    dashboard,
    prometheus,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.builders import (
    stat as stats,
)
from grafana_foundation_sdk.builders import (
    table as tables,
)
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import (
    common as common_models,
)
from grafana_foundation_sdk.models import (
    dashboard as models,
)
from grafana_foundation_sdk.models import (
    prometheus as prometheus_models,
)


SOURCE: Final = models.DataSourceRef(type_val="prometheus", uid="${datasource}")

# Colours by what they mean.
GOOD: Final = "green"
NOTE: Final = "blue"
WARNING: Final = "orange"
BAD: Final = "red"
QUIET: Final = "text"
OFF: Final = "#80808060"
LIGHT: Final = "yellow"

Steps: TypeAlias = Sequence[tuple[float | None, str]]
"""From which value on which colour; None is for all below."""

PLAIN: Final[Steps] = ((None, QUIET),)
FINE: Final[Steps] = ((None, GOOD),)
WORTH_A_LOOK: Final[Steps] = ((None, GOOD), (1, WARNING))
TROUBLE: Final[Steps] = ((None, GOOD), (1, BAD))

# In °C, as ratios and in ppm; what most rooms are kept at is green.
TEMPERATURE: Final[Steps] = ((None, NOTE), (17, GOOD), (25, WARNING), (29, BAD))
MISSING: Final[Steps] = ((None, GOOD), (1, WARNING), (2, BAD))
HUMIDITY: Final[Steps] = ((None, WARNING), (0.3, GOOD), (0.6, WARNING), (0.7, BAD))
CO2: Final[Steps] = ((None, GOOD), (1000, WARNING), (1400, BAD))
CHARGE: Final[Steps] = ((None, BAD), (0.15, WARNING), (0.4, GOOD))
AVAILABILITY: Final[Steps] = ((None, BAD), (0.98, WARNING), (0.999, GOOD))

Names: TypeAlias = Mapping[float, tuple[str, str]]
"""What is shown for a value, and in which colour."""

OPEN_OR_CLOSED: Final[Names] = {0: ("closed", GOOD), 1: ("open", WARNING)}
ON_OR_OFF: Final[Names] = {0: ("off", OFF), 1: ("on", LIGHT)}
YES_OR_NO: Final[Names] = {0: ("no", OFF), 1: ("yes", NOTE)}
CONNECTED: Final[Names] = {0: ("not connected", BAD), 1: ("connected", GOOD)}


@frozen
class Query:
    """What a panel asks for.

    Attributes:
        expr: PromQL, with Grafana's variables.
        legend: What tells the series apart: `{{room}}`.
    """

    expr: str
    legend: str = ""


class Look(TypedDict, total=False):
    """How a panel looks; what is left out is as Grafana has it.

    Attributes:
        description: What is behind the panel's (i).
        unit: Grafana's name for it: `celsius`, `watt`, `kwatth`, `percentunit`.
        decimals: Digits behind the point.
        steps: Colours by value.
        names: Names of values.
        low: The least value of an axis or a bar.
        high: The greatest.
        width: Of the 24 columns.
        height: In rows of 30 pixels.
        since: The beginning of its own time range: `now/d` is today.
        shift: How far that is moved back: `1d/d` is whole yesterday.
        step: The least time between two points.
        links: Where a click leads: titles and addresses.
    """

    description: str
    unit: str
    decimals: int
    steps: Steps
    names: Names
    low: float
    high: float
    width: int
    height: int
    since: str
    shift: str
    step: str
    links: Mapping[str, str]


class _Panel(Protocol):
    """What the builders of all kinds of panels have."""

    def title(self, title: str, /) -> Self: ...
    def datasource(self, datasource: models.DataSourceRef, /) -> Self: ...
    def with_target(self, target: Builder[Any], /) -> Self: ...
    def no_value(self, no_value: str, /) -> Self: ...
    def description(self, description: str, /) -> Self: ...
    def unit(self, unit: str, /) -> Self: ...
    def decimals(self, decimals: float, /) -> Self: ...
    def thresholds(self, thresholds: Builder[models.ThresholdsConfig], /) -> Self: ...
    def mappings(self, mappings: list[models.ValueMapping], /) -> Self: ...
    def min(self, min_val: float, /) -> Self: ...
    def max(self, max_val: float, /) -> Self: ...
    def span(self, w: int, /) -> Self: ...
    def height(self, h: int, /) -> Self: ...
    def time_from(self, time_from: str, /) -> Self: ...
    def time_shift(self, time_shift: str, /) -> Self: ...
    def interval(self, interval: str, /) -> Self: ...
    def data_links(self, links: list[Builder[models.DashboardLink]], /) -> Self: ...
    def color_scheme(self, color: Builder[models.FieldColor], /) -> Self: ...


_P = TypeVar("_P", bound=_Panel)


def stat(
    title: str,
    *queries: Query,
    none: str,
    only_name: bool = False,
    with_name: bool = False,
    **look: Unpack[Look],
) -> stats.Panel:
    """A number as it is now, or several.

    Args:
        title: Above it.
        queries: What is shown.
        none: What is said where there is nothing.
        only_name: Show what the series is called, and not its value.
        with_name: Show both; without that, the name is shown where there are several only.
        look: How it looks.
    """
    text = common_models.BigValueTextMode.AUTO
    if with_name:
        text = common_models.BigValueTextMode.VALUE_AND_NAME
    if only_name:
        text = common_models.BigValueTextMode.NAME
    panel = (
        stats.Panel()
        .graph_mode(common_models.BigValueGraphMode.NONE)
        .color_mode(common_models.BigValueColorMode.VALUE)
        .text_mode(text)
        .reduce_options(_latest())
        .color_scheme(_by_thresholds())
    )
    dressed = _dress(panel, title, none, {"width": 4, "height": 4, "steps": PLAIN, **look})
    return _ask(dressed, queries, instant=True)


def bars(title: str, *queries: Query, none: str, **look: Unpack[Look]) -> bargauge.Panel:
    """Numbers as they are now, one below the other, likewise."""
    panel = (
        bargauge.Panel()
        .orientation(common_models.VizOrientation.HORIZONTAL)
        .display_mode(common_models.BarGaugeDisplayMode.BASIC)
        .value_mode(common_models.BarGaugeValueMode.COLOR)
        .name_placement(common_models.BarGaugeNamePlacement.LEFT)
        .sizing(common_models.BarGaugeSizing.MANUAL)
        .min_viz_height(16)
        .max_viz_height(32)
        .reduce_options(_latest())
        .color_scheme(_by_thresholds())
    )
    dressed = _dress(
        panel, title, none, {"width": 6, "height": 8, "steps": ((None, NOTE),), "low": 0, **look}
    )
    return _ask(dressed, queries, instant=True)


def lines(
    title: str,
    *queries: Query,
    none: str,
    stacked: bool = False,
    steps_in_lines: bool = False,
    **look: Unpack[Look],
) -> timeseries.Panel:
    """Numbers over time, likewise.

    Args:
        title: Above it.
        queries: What is shown.
        none: What is said where there is nothing.
        stacked: One upon the other; for what adds up.
        steps_in_lines: Draw the lines between the colours of `steps`.
        look: How it looks.
    """
    panel = (
        timeseries.Panel()
        .line_width(1)
        .fill_opacity(30 if stacked else 5)
        .show_points(common_models.VisibilityMode.NEVER)
        .legend(_legend(["min", "max", "lastNotNull"]))
        .tooltip(_tooltip())
        .color_scheme(_by_series())
    )
    if stacked:
        panel.stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
    if steps_in_lines:
        mode = common_models.GraphThresholdsStyleMode.DASHED
        panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
    return _ask(_dress(panel, title, none, {"width": 12, "height": 9, **look}), queries)


def columns(title: str, *queries: Query, none: str, **look: Unpack[Look]) -> timeseries.Panel:
    """Amounts of a time each, such as hours, one upon the other, likewise."""
    panel = (
        timeseries.Panel()
        .draw_style(common_models.GraphDrawStyle.BARS)
        .bar_alignment(common_models.BarAlignment.BEFORE)
        .fill_opacity(70)
        .stacking(common.StackingConfig().mode(common_models.StackingMode.NORMAL).group("A"))
        .legend(_legend(["sum"]))
        .tooltip(_tooltip())
        .color_scheme(_by_series())
    )
    return _ask(_dress(panel, title, none, {"width": 12, "height": 9, "low": 0, **look}), queries)


def days(title: str, *queries: Query, none: str, **look: Unpack[Look]) -> barchart.Panel:
    """Amounts of each day, side by side, likewise."""
    panel = (
        barchart.Panel()
        .show_value(common_models.VisibilityMode.NEVER)
        .x_tick_label_spacing(100)
        .group_width(0.8)
        .fill_opacity(80)
        .legend(_legend(["lastNotNull", "mean", "sum"]))
        .tooltip(_tooltip())
        .color_scheme(_by_series())
    )
    dressed = _dress(panel, title, none, {"width": 24, "height": 9, "low": 0, "step": "1d", **look})
    return _ask(dressed, queries)


def timeline(title: str, *queries: Query, none: str, **look: Unpack[Look]) -> statetimeline.Panel:
    """States over time, a row for each, likewise; what they are called is in `names`."""
    panel = (
        statetimeline.Panel()
        .show_value(common_models.VisibilityMode.AUTO)
        .row_height(0.8)
        .line_width(0)
        .fill_opacity(80)
        .merge_values(merge_values=True)
        .legend(common.VizLegendOptions().show_legend(show_legend=False).calcs([]))
        .tooltip(_tooltip())
        .color_scheme(_by_thresholds())
    )
    return _ask(_dress(panel, title, none, {"width": 12, "height": 9, **look}), queries)


class ColumnLook(TypedDict, total=False):
    """How a column looks, as in `Look`; `filled` colours all of the cell."""

    unit: str
    decimals: int
    steps: Steps
    names: Names
    filled: bool
    width: int


class Column:
    """A column of numbers in a table.

    Attributes:
        name: Above it.
        expr: PromQL; its labels are the same in all columns of a table.
        look: How it looks.
    """

    def __init__(self, name: str, expr: str, **look: Unpack[ColumnLook]) -> None:
        self.name = name
        self.expr = expr
        self.look = look


def table(
    title: str,
    labels: Mapping[str, str],
    *those: Column,
    none: str,
    sort: tuple[str, bool] | None = None,
    label_links: Mapping[str, tuple[str, str]] | None = None,
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
        look: How it looks.
    """
    panel = (
        tables.Panel()
        .cell_height(common_models.TableCellHeight.SM)
        .filterable(filterable=True)
        .color_scheme(_by_thresholds())
    )
    _dress(panel, title, none, {"width": 12, "height": 9, "steps": PLAIN, **look})
    for letter, column in zip(ascii_uppercase, those, strict=False):
        panel.with_target(
            prometheus.Dataquery()
            .expr(column.expr)
            .instant()
            .format(prometheus_models.PromQueryFormat.TABLE)
            .editor_mode(prometheus_models.QueryEditorMode.CODE)
            .ref_id(letter)
        )
        panel.override_by_name(column.name, list(_properties(column.look)))
    for heading, (link_title, url) in (label_links or {}).items():
        links = [{"title": link_title, "url": url}]
        panel.override_by_name(heading, [models.DynamicConfigValue("links", links)])
    # One query leaves its column the plain name.
    values = ["Value"] if len(those) == 1 else [f"Value #{letter}" for letter in ascii_uppercase]
    columns_by_value = dict(zip(values, those, strict=False))
    order = [*labels, *columns_by_value]
    hidden = {"Time", "__name__", "instance", "job", "miniserver"} - labels.keys()
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
    if sort is not None:
        by, is_descending = sort
        panel.sort_by([common.TableSortByFieldState().display_name(by).desc(is_descending)])
    return panel


def state_names(states: Mapping[str, str]) -> Names:
    """Names and colours for the numbers of `promql.codes`.

    Args:
        states: The names in the same order, each with its colour.
    """
    named = {
        float(number): (state.replace("_", " "), colour)
        for number, (state, colour) in enumerate(states.items(), start=1)
    }
    return {0.0: ("unknown", QUIET), **named}


def _properties(look: ColumnLook) -> Iterable[models.DynamicConfigValue]:
    if "unit" in look:
        yield models.DynamicConfigValue("unit", look["unit"])
    if "decimals" in look:
        yield models.DynamicConfigValue("decimals", look["decimals"])
    if "width" in look:
        yield models.DynamicConfigValue("custom.width", look["width"])
    if "names" in look:
        yield models.DynamicConfigValue("mappings", _mappings(look["names"]))
    if "steps" in look:
        yield models.DynamicConfigValue("thresholds", _thresholds(look["steps"]).build())
    if "steps" in look or "names" in look:
        cell = "color-background" if look.get("filled") else "color-text"
        yield models.DynamicConfigValue("custom.cellOptions", {"type": cell, "mode": "basic"})


def _dress(panel: _P, title: str, none: str, look: Look) -> _P:
    panel.title(title).datasource(SOURCE).no_value(none)
    panel.thresholds(_thresholds(look.get("steps", PLAIN)))
    panel.mappings(_mappings(look.get("names", {})))
    panel.data_links(
        [dashboard.DashboardLink(name).url(url) for name, url in look.get("links", {}).items()]
    )
    simple: Mapping[str, Callable[[Any], _P]] = {
        "description": panel.description,
        "unit": panel.unit,
        "decimals": panel.decimals,
        "low": panel.min,
        "high": panel.max,
        "width": panel.span,
        "height": panel.height,
        "since": panel.time_from,
        "shift": panel.time_shift,
        "step": panel.interval,
    }
    for key, value in look.items():
        if key in simple:
            simple[key](value)
    return panel


def _ask(panel: _P, queries: Sequence[Query], *, instant: bool = False) -> _P:
    for letter, query in zip(ascii_uppercase, queries, strict=False):
        target = (
            prometheus.Dataquery()
            .expr(query.expr)
            .legend_format(query.legend or "__auto")
            .editor_mode(prometheus_models.QueryEditorMode.CODE)
            .ref_id(letter)
        )
        panel.with_target(target.instant() if instant else target.range())
    return panel


def _thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    absolute = models.ThresholdsMode.ABSOLUTE
    those = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(absolute).steps(those)


def _mappings(names: Names) -> list[models.ValueMapping]:
    options = {
        f"{value:g}": models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return [models.ValueMap(options=options)] if names else []


def _latest() -> common.ReduceDataOptions:
    return common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(values=False)


def _legend(calculations: list[str]) -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(common_models.LegendDisplayMode.TABLE)
        .placement(common_models.LegendPlacement.RIGHT)
        .show_legend(show_legend=True)
        .calcs(calculations)
    )


def _tooltip() -> common.VizTooltipOptions:
    return (
        common.VizTooltipOptions()
        .mode(common_models.TooltipDisplayMode.MULTI)
        .sort(common_models.SortOrder.DESCENDING)
    )


def _by_thresholds() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)


def _by_series() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
