"""What the names that owners give say about a quantity, in the languages of Loxone's countries.

A `%` may be a humidity or a battery, a `°` a temperature or a direction. Where the control's type
does not tell, its name does, or that of its category, or what kind of category it is.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Final, NamedTuple

from attrs import frozen


@frozen
class Hint:
    """Words for a quantity.

    Attributes:
        quantity: The quantity, as `humidity`.
        words: A regular expression for them, for names as `_plain` writes them.
        category_types: Kinds of categories in which nothing else is to be expected.
    """

    quantity: str
    words: str
    category_types: frozenset[str] = frozenset()


class Found(NamedTuple):
    """A quantity, and what told it."""

    quantity: str
    evidence: str


_HUMID = r"feucht|humid|vlhk|wilgot|vochtig|umidit|hygro|parat|\brh\b|\bluftf"
_HUMIDITY = Hint("humidity", _HUMID)
_DIRECTION = (
    r"windr|wind ?dir|wind ?fahne|smer v|richtung|direction|direzione|kierunek|smer\b|\brichting"
)
_ANGLE = (
    r"winkel|angle|\buhel|naklon|sklon|azimut|elevation|neigung|inclin|\btilt|kompass|kompas"
    r"|heading|sonnenstand|sonnenhohe|sun ?(height|position|altitude)|vyska slunce|lamell"
)
_RAIN = r"niederschlag|regen|\brain|precip|srazk|\bdest|neerslag|pluie|pioggia|opad|zrazk"

HINTS: Final[Mapping[str, tuple[Hint, ...]]] = {
    "ratio": (
        Hint(
            "soil_moisture", rf"(boden|erd|\bsoil|\bpud|\bzem|substrat|\bsol\b).*({_HUMID}|moist)"
        ),
        Hint("soil_moisture", rf"({_HUMID}|moist).*(boden|erde|soil|\bpud|\bzem|\bsol\b|bodem)"),
        _HUMIDITY,
        Hint(
            "storage_charge",
            r"speicher|storage|\bsoc\b|ladezustand|ladestand|state of charge|hausbatt|home ?batt"
            r"|powerwall|mindestreserve|min(imum)? reserve|stav nabiti|uloziste|accumulo",
        ),
        Hint(
            "fill_level",
            r"zistern|cistern|\btank|fullstand|fill ?level|water ?level|wasserstand|pegel|hladin"
            r"|nadrz|niveau|jimk",
        ),
        Hint("battery_charge", r"batt|akku|\baccu\b|bateri|baterk"),
        Hint("valve_position", r"ventil(?!at)|valve|misch|mixer|stellantrieb|smesova|klap|vanne"),
        Hint("fan_speed", r"lufter|luftung|\bfan\b|ventilat|vetrak|vetrani|rekuper|geblase"),
        Hint("pump_speed", r"pump|cerpadl"),
        Hint("signal_strength", r"signal|rssi|empfang|wlan|wi-?fi|link ?quality"),
        Hint("audio_volume", r"volume|lautst|hlasitost|glosnosc", frozenset({"multimedia"})),
        Hint(
            "shading_position",
            r"jalousi|rollo|rolla|blind\b|blinds|shutter|\bshad|zaluzi|rolet|markis|raffstor"
            r"|beschatt|lamell",
            frozenset({"shading"}),
        ),
        Hint(
            "light_level",
            r"licht|light|\blamp|leuchte|dimm|svetl|osvetl|helligkeit|brightness|\bjas\b|\bspots?\b"
            r"|lumiere|eclairage|swiatl",
            frozenset({"lights"}),
        ),
    ),
    "degree sign": (
        Hint("wind_direction", _DIRECTION),
        Hint("angle", _ANGLE),
    ),
    "degrees": (Hint("wind_direction", _DIRECTION),),
    "celsius": (
        Hint("dew_point", r"taupunkt|dew ?point|rosn\w* bod|point de rosee|punkt rosy|dauwpunt"),
    ),
    "ppm": (
        Hint(
            "co2", r"co ?2\b|kohlendioxid|carbon dioxide|oxid uhlicit|dwutlenek wegla|kooldioxide"
        ),
    ),
    "meters": (Hint("precipitation", _RAIN),),
    "meters_per_second": (
        Hint("wind_speed", r"wind(?!ow)|\bboe|\bbo\b|gust|\bvitr|\bvetr\b|\bviet|rafale|\bvent\b"),
    ),
    "grams_per_cubic_meter": (Hint("absolute_humidity", _HUMID),),
}
"""Hints by base unit, the more telling first; the `degree sign` may be of an angle or not."""

_SET_POINT = re.compile(
    r"\bsoll|soll(wert|temp)|\btarget|set ?point|pozadov|\bzadan|\bcilov|consigne|wunsch(wert|temp)"
)


def find_quantity(base_unit: str, names: Mapping[str, str], category_type: str) -> Found | None:
    """The quantity that names tell.

    Args:
        base_unit: Of `HINTS`.
        names: What may tell, the more telling first: names by what bears them.
        category_type: As in the structure file: `lights`, `shading`, `multimedia`.
    """
    hints = HINTS.get(base_unit, ())
    return next(_search(hints, names, category_type), None)


def _search(
    hints: tuple[Hint, ...], names: Mapping[str, str], category_type: str
) -> Iterator[Found]:
    for bearer, name in names.items():
        plain = _plain(name)
        for hint in hints:
            if re.search(hint.words, plain):
                yield Found(hint.quantity, f"the name of the {bearer}")
    for hint in hints:
        if category_type in hint.category_types:
            yield Found(hint.quantity, f"the kind of the category, {category_type}")


def is_set_point(name: str) -> bool:
    """Whether a name says that its control shows what somebody has set."""
    return _SET_POINT.search(_plain(name)) is not None


def _plain(name: str) -> str:
    """In lower case, without accents and raised digits."""
    decomposed = unicodedata.normalize("NFKD", name.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
