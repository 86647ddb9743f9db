"""How it went, as a table."""

from __future__ import annotations

from collections.abc import Sequence

from fuzz.cases import Kind
from fuzz.hunt import Tally


_FIRST = ("mode", "cases", "seconds", "cases/s", "findings")


def format_table(tallies: Sequence[Tally]) -> str:
    """All modes, a line for each; kinds of findings that there are none of are left out."""
    kinds = [kind for kind in Kind if any(tally.kinds[kind] for tally in tallies)]
    rows = [(*_FIRST, *kinds), *(_row(tally, kinds) for tally in tallies)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(
            text.rjust(width) if place else text.ljust(width)
            for place, (text, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    )


def format_findings(tallies: Sequence[Tally]) -> str:
    """Each finding with how often it was made."""
    return "\n".join(
        f"{times:6} × {tally.mode}: {signature}"  # noqa: RUF001  # a multiplication sign
        for tally in tallies
        for signature, times in tally.findings.most_common()
    )


def _row(tally: Tally, kinds: Sequence[Kind]) -> tuple[str, ...]:
    rate = tally.cases / tally.seconds if tally.seconds else 0.0
    return (
        tally.mode,
        str(tally.cases),
        f"{tally.seconds:.0f}",
        f"{rate:.0f}",
        str(tally.kinds.total()),
        *(str(tally.kinds[kind] or "") for kind in kinds),
    )
