"""Whether a scrape is one: lines as the format wants them, no family in pieces, no series twice."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

from prometheus_client.openmetrics.parser import text_string_to_metric_families

from fuzz.cases import Finding, Kind
from loxone_exporter.metrics.exposition import Format


_NAME = rb"[a-zA-Z_:][a-zA-Z0-9_:]*"
_LABEL = rb'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
_SAMPLE = re.compile(
    rb"(?P<series>%b(?:\{%b(?:,%b)*\})?) "
    rb"(?:NaN|[+-]Inf|-?\d+(?:\.\d+)?(?:e[+-]?\d+)?)" % (_NAME, _LABEL, _LABEL),
    re.DOTALL,
)
_HEADING = re.compile(rb"# (?:HELP|TYPE|UNIT) (?P<name>%b) " % _NAME)
_END = b"# EOF\n"

_LONGEST_LINE = 2**15
"""Bytes; a name is cut off long before that, and a line has six of them."""


def judge(body: bytes, format_: Format, *, thoroughly: bool = True) -> list[Finding]:
    """Everything that Prometheus would not like about a scrape.

    Args:
        body: The scrape.
        format_: The format that was asked for.
        thoroughly: Whether prometheus_client's parser reads it as well, which takes its time.
    """
    try:
        body.decode()
    except UnicodeDecodeError as error:
        return [Finding(Kind.SCRAPE, "a scrape is no UTF-8", str(error))]
    problems = list(_problems(body, format_))
    if format_ is Format.OPENMETRICS and thoroughly and not problems:
        problems += _openmetrics_problems(body.decode())
    return [Finding(Kind.SCRAPE, problem) for problem in problems]


def _problems(body: bytes, format_: Format) -> Iterator[str]:
    has_end = body.endswith(_END)
    if has_end != (format_ is Format.OPENMETRICS) or not body.endswith(b"\n"):
        yield "a scrape has not the end of its format"
    lines = body.removesuffix(_END).split(b"\n")[:-1]
    series: Counter[bytes] = Counter()
    headings: list[bytes] = []
    for line in lines:
        if (sample := _SAMPLE.fullmatch(line)) is not None:
            series[sample["series"]] += 1
        elif (heading := _HEADING.match(line)) is not None:
            if heading["name"] not in headings[-1:]:
                headings.append(heading["name"])
        else:
            yield f"a line of a scrape is none: {_shown(line)}"
        if len(line) > _LONGEST_LINE:
            yield f"a line of a scrape has {len(line)} bytes: {_shown(line)}"
    for name, times in [*series.items(), *Counter(headings).items()]:
        if times > 1:
            yield f"a scrape has something twice: {_shown(name)}"


def _shown(line: bytes) -> str:
    return line[:300].decode(errors="replace")


def _openmetrics_problems(body: str) -> Iterator[str]:
    try:
        list(text_string_to_metric_families(body))  # type: ignore[no-untyped-call]  # no types there
    except ValueError as error:
        yield f"a scrape is no OpenMetrics: {error}"
