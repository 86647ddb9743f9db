"""What the documentation shows."""

from __future__ import annotations

import re
from pathlib import Path


METRICS_PAGE = Path(__file__).resolve().parents[2] / "docs" / "metrics.md"

_QUERY = re.compile(r"^```promql\n(.*?)^```", re.MULTILINE | re.DOTALL)


def queries() -> list[str]:
    """The PromQL in docs/metrics.md."""
    return [query.strip() for query in _QUERY.findall(METRICS_PAGE.read_text(encoding="utf-8"))]
