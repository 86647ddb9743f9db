from __future__ import annotations

import re
from pathlib import Path

from loxone_exporter.errors import FailureReason


README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def test_every_reason_of_a_failure_is_explained() -> None:
    _, _, table = README.partition("| `reason` |")
    rows = re.findall(r"^\| (`[^|]*`) \|", table.partition("\n\n")[0], re.MULTILINE)
    explained = re.findall(r"`(\w+)`", " ".join(rows))
    assert sorted(explained) == sorted(reason.value for reason in FailureReason)
