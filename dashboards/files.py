"""The files in deploy/grafana, and the dashboards that they hold."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards import climate, energy, exporter, fleet, frame, house, room


FOLDER: Final = Path(__file__).parent.parent / "deploy" / "grafana"

PAGES: Final = {
    "house.json": house.PAGE,
    "climate.json": climate.PAGE,
    "energy.json": energy.PAGE,
    "room.json": room.PAGE,
    "exporter.json": exporter.PAGE,
    "fleet.json": fleet.PAGE,
}


def texts() -> Iterator[tuple[Path, str]]:
    """Each file, and what is to be in it."""
    for name, page in PAGES.items():
        document = json.dumps(
            frame.build(page), cls=JSONEncoder, indent=2, sort_keys=True, ensure_ascii=False
        )
        yield FOLDER / name, document + "\n"


def differing() -> list[Path]:
    """The files that are missing, hold something else, or should not be there."""
    made = dict(texts())
    others = [path for path in FOLDER.glob("*.json") if path not in made]
    return others + [path for path, text in made.items() if _read(path) != text]


def write() -> None:
    """Write all of them."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for path, text in texts():
        path.write_text(text, encoding="utf-8")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
