"""Panels over time, and of numbers as they are now: a function for each kind."""

from __future__ import annotations

from collections.abc import Sequence
from string import ascii_uppercase
from typing import Unpack

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
from grafana_foundation_sdk.builders import stat as stats
from grafana_foundation_sdk.models import common as common_models
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models import prometheus as prometheus_models

from dashboards.looks import NOTE, PLAIN, AnyPanel, Look, by_thresholds, dress


@frozen
class Query:
    """What a panel asks for.

    Attributes:
        expr: PromQL, with Grafana's variables.
        legend: What tells the series apart: `{{room}}`.
    """

    expr: str
    legend: str = ""


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
        .color_scheme(by_thresholds())
    )
    dressed = dress(panel, title, none, {"width": 4, "height": 3, "steps": PLAIN, **look})
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
        .color_scheme(by_thresholds())
    )
    dressed = dress(
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
    return _ask(dress(panel, title, none, {"width": 12, "height": 9, **look}), queries)


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
    return _ask(dress(panel, title, none, {"width": 12, "height": 9, "low": 0, **look}), queries)


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
    dressed = dress(panel, title, none, {"width": 24, "height": 9, "low": 0, "step": "1d", **look})
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
        .per_page(20)
        .legend(common.VizLegendOptions().show_legend(show_legend=False).calcs([]))
        .tooltip(_tooltip())
        .color_scheme(by_thresholds())
    )
    return _ask(dress(panel, title, none, {"width": 12, "height": 9, **look}), queries)


def _ask(panel: AnyPanel, queries: Sequence[Query], *, instant: bool = False) -> AnyPanel:
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


def _by_series() -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.PALETTE_CLASSIC_BY_NAME)
