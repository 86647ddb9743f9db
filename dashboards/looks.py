"""How panels look: colours and limits, names of values, and what panels of all kinds have.

A panel of which a house has nothing says so: `none` is its text then, in panels of each kind.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, Protocol, Self, TypeAlias, TypedDict, TypeVar

from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models


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


def state_names(states: Mapping[str, str], *, first: int = 1) -> Names:
    """Names and colours for the numbers of `promql.codes`.

    Args:
        states: The names in the same order, each with its colour.
        first: The number of the first.
    """
    named = {
        float(number): (state.replace("_", " "), colour)
        for number, (state, colour) in enumerate(states.items(), first)
    }
    return {0.0: ("unknown", QUIET), **named}


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


AnyPanel = TypeVar("AnyPanel", bound=_Panel)


def dress(panel: AnyPanel, title: str, none: str, look: Look) -> AnyPanel:
    """Give a panel its title, its word for "nothing", and its look."""
    panel.title(title).datasource(SOURCE).no_value(none)
    panel.thresholds(thresholds(look.get("steps", PLAIN)))
    panel.mappings(mappings(look.get("names", {})))
    panel.data_links(
        [dashboard.DashboardLink(name).url(url) for name, url in look.get("links", {}).items()]
    )
    simple: Mapping[str, Callable[[Any], AnyPanel]] = {
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


def thresholds(steps: Steps) -> dashboard.ThresholdsConfig:
    """Colours by value, for Grafana."""
    absolute = models.ThresholdsMode.ABSOLUTE
    those = [models.Threshold(value=value, color=colour) for value, colour in steps]
    return dashboard.ThresholdsConfig().mode(absolute).steps(those)


def mappings(names: Names) -> list[models.ValueMapping]:
    """Names of values, for Grafana."""
    options = {
        f"{value:g}": models.ValueMappingResult(text=text, color=colour, index=index)
        for index, (value, (text, colour)) in enumerate(names.items())
    }
    return [models.ValueMap(options=options)] if names else []


def by_thresholds() -> dashboard.FieldColor:
    """Have a panel show the colours of its values, and not one for each series."""
    return dashboard.FieldColor().mode(models.FieldColorModeId.THRESHOLDS)
