"""What the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path


_DOCS = Path(__file__).resolve().parents[2] / "docs"
METRICS_PAGE = _DOCS / "metrics.md"
OPERATIONS_PAGE = _DOCS / "operations.md"
ALERTS_PAGE = _DOCS / "alerts.md"

_QUERY = re.compile(r"^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def queries(page: Path = METRICS_PAGE) -> list[str]:
    """The PromQL in a page, by default in docs/metrics.md."""
    return [query.strip() for query in _QUERY.findall(page.read_text(encoding="utf-8"))]
