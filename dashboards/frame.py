"""What all dashboards have around their panels: variables, links, annotations and the grid."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

from attrs import field, frozen
from grafana_foundation_sdk.builders import dashboard
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard as models

from dashboards.looks import BAD, NOTE, SOURCE, WARNING
from dashboards.promql import JOB, firing, house, names


TAG: Final = "loxone"

DEFAULT_SOURCE: Final = "prometheus"
"""The uid of the data source that the provisioning of deploy/compose sets up."""

# A job may be about the exporter only, or about one house only.
_BOTH: Final = names("loxone_exporter_up", "loxone_exporter_connected")

# What deploy/prometheus takes for granted, too.
_JOBS: Final = "loxone.*"

_ALL: Final = models.VariableOption(text="All", value="$__all")


@frozen
class Section:
    """Panels that belong together, below a heading.

    Attributes:
        title: The heading; without one there is none, as for the first.
        panels: Line by line; the widths of a line add up to 24.
        is_collapsed: Shown by a click only, and not asked for before: for what few houses have.
    """

    title: str
    panels: Sequence[Builder[models.Panel]]
    is_collapsed: bool = field(default=False, kw_only=True)


@frozen(kw_only=True)
class Page:
    """A dashboard.

    Attributes:
        uid: By which others link to it; never changes.
        title: Its name.
        description: What it is for, in a sentence.
        sections: What is on it.
        since: The beginning of the time that it shows.
        several_houses: Whether it shows several at once, or one.
        variables: Further ones.
        annotations: What is marked in all panels over time.
    """

    uid: str
    title: str
    description: str
    sections: Sequence[Section]
    since: str = "now-24h"
    several_houses: bool = False
    variables: Sequence[Builder[models.VariableModel]] = ()
    annotations: Sequence[models.AnnotationQuery] = ()


def build(page: Page) -> models.Dashboard:
    """Make Grafana's model of a dashboard."""
    made = (
        dashboard.Dashboard(page.title)
        .uid(page.uid)
        .description(page.description)
        .tags([TAG])
        .time(page.since, "now")
        .refresh("30s")
        .timezone("browser")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .editable()
        .link(
            dashboard.DashboardLink("Loxone")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .include_vars(include_vars=True)
            .keep_time(keep_time=True)
        )
    )
    for variable in _variables(page):
        made.with_variable(variable)
    for section in page.sections:
        _add(section, made)
    document = made.build()
    document.annotations.list_val = list(page.annotations)
    for number, panel in enumerate(_panels(document), start=1):
        panel.id_val = number
    return document


def choice(name: str, label: str, query: str, *, regex: str = "") -> dashboard.QueryVariable:
    """A variable whose values are those of a label; one of them is chosen."""
    variable = (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(SOURCE)
        .query(
            {"qryType": 1, "query": query, "refId": "PrometheusVariableQueryEditor-VariableQuery"}
        )
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )
    return variable.regex(regex) if regex else variable


class _Marks(models.AnnotationQuery):
    """An annotation of the data source Prometheus, which takes more than the SDK knows."""

    def __init__(self, name: str, expr: str, colour: str, *, title: str, text: str) -> None:
        super().__init__(name=name, datasource=SOURCE, expr=expr, icon_color=colour)
        self.more = {"step": "60s", "titleFormat": title, "textFormat": text}

    def to_json(self) -> dict[str, Any]:
        return {**super().to_json(), **self.more}


def reboots() -> models.AnnotationQuery:
    """When a Miniserver said that it goes out of service."""
    expr = f"increase({house('loxone_exporter_out_of_service_total')}[2m]) > 0"
    text = "{{miniserver}} went out of service, as before a reboot"
    return _Marks("Reboots", expr, WARNING, title="Reboot", text=text)


def connections() -> models.AnnotationQuery:
    """When a Miniserver was connected anew."""
    expr = f"increase({house('loxone_exporter_sessions_total')}[2m]) > 0"
    text = "events of {{miniserver}} arrive again"
    return _Marks("New connections", expr, NOTE, title="Connected", text=text)


def alerts(expr: str = firing()) -> models.AnnotationQuery:
    """While an alert fires: of a house, unless another query is given."""
    text = "{{miniserver}} {{room}} {{name}}"
    return _Marks("Alerts", expr, BAD, title="{{alertname}}", text=text)


def _variables(page: Page) -> Iterator[Builder[models.VariableModel]]:
    source = models.VariableOption(text="Prometheus", value=DEFAULT_SOURCE)
    yield (
        dashboard.DatasourceVariable("datasource")
        .label("Data source")
        .type("prometheus")
        .current(source)
    )
    yield (
        choice("job", "Job", f"label_values({{{_BOTH}}}, job)", regex=f"/^{_JOBS}/")
        .multi(multi=True)
        .include_all(include_all=True)
        .all_value(_JOBS)
        .current(_ALL)
    )
    query = f"label_values(loxone_exporter_connected{{{JOB}}}, miniserver)"
    miniserver = choice("miniserver", "Miniserver", query)
    if page.several_houses:
        miniserver.multi(multi=True).include_all(include_all=True).all_value(".+").current(_ALL)
    yield miniserver
    yield from page.variables


def _add(section: Section, made: dashboard.Dashboard) -> None:
    if section.title:
        row = dashboard.Row(section.title).collapsed(section.is_collapsed)
        if section.is_collapsed:
            for panel in section.panels:
                row.with_panel(panel)
        made.with_row(row)
    if not section.is_collapsed:
        for panel in section.panels:
            made.with_panel(panel)


def _panels(document: models.Dashboard) -> Iterator[models.Panel | models.RowPanel]:
    """All panels and rows, those in rows too."""
    for panel in document.panels or ():
        yield panel
        if isinstance(panel, models.RowPanel):
            yield from panel.panels
