"""The categories of the demo house, and how a control says in which room and category it is."""

from __future__ import annotations

from attrs import frozen

from loxone_exporter.simulator.demo.kit import Place


@frozen
class CategoryPlan:
    """One line of the table of categories.

    Attributes:
        name: As in the structure file.
        icon: Its picture in the app.
        type: Its kind, as Loxone knows some.
        color: Its colour in the app.
    """

    name: str
    icon: str
    type: str = "undefined"
    color: str = "#69C350"


LIGHT = "Osvětlení"
SHADE = "Beschattung"
CLIMATE = "Heizung & Kühlung"
ENERGY = "Energie"
SECURITY = "Zabezpečení"
ACCESS = "Access"
MUSIC = "Music"
WEATHER = "Počasí"
WATER = "Water"
AIR = "Air Quality"
MACHINES = "Geräte"

CATEGORIES = (
    CategoryPlan(LIGHT, "lightbulb-3", "lights", "#FEE502"),
    CategoryPlan(SHADE, "blinds-half-closed", "shading", "#00C7E6"),
    CategoryPlan(CLIMATE, "thermometer", "indoortemperature", "#F7B55C"),
    CategoryPlan(ENERGY, "flash-1", color="#327AE7"),
    CategoryPlan(SECURITY, "alarm-1", color="#E4354A"),
    CategoryPlan(ACCESS, "door-open"),
    CategoryPlan(MUSIC, "music-note", "multimedia", "#B64D9E"),
    CategoryPlan(WEATHER, "cloud"),
    CategoryPlan(WATER, "water-drops", color="#1DB0D9"),
    CategoryPlan(AIR, "wind"),
    CategoryPlan(MACHINES, "settings"),
)


@frozen
class Room:
    """A room, or no room at all, in which controls are listed.

    Attributes:
        name: As in the structure file.
    """

    name: str | None

    def __truediv__(self, category: str | None) -> Place:
        """The place of a control: `kitchen / LIGHT`."""
        return (self.name, category)
