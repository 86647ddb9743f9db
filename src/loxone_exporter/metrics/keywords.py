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


_HUMID = r"feucht|humid|vlhk|wilgot|vochtig|umidit|hygro|\bparat|\brh\b|\bluftf"
_SOIL = (
    r"\bboden(?!raum|heiz)|\berd(e|en|reich)?\b|\berdfeucht|\bsoil|\bpud[aeuy]\b|\bpudni|\bzemin"
    r"|\bzemi\b|substrat|\bsol\b|\bbodem"
)
_NO_SOIL = r"luftf|dachboden|fussboden|air humid"
_LEVEL = (
    r"zistern|cistern|\btank|fullstand|fill ?level|water ?level|wasserstand|\bpegel|wasserpegel"
    r"|hladin|nadrz|\bniveau|jimk|regen(wasser|tonne|fass)|rain ?(water|barrel)|destovk"
    r"|destova vod"
)
_CAR = (
    r"\be-?auto|elektroauto|\be-?mobil|elektromobil|\btesla\b(?! powerwall)|wall ?box|\bev\b"
    r"|fahrzeug|\bvehicle"
)
_CHARGED = r"\bsoc\b|\blad|auflad|ladestand|charg|batt|akku|\baccu\b|bateri|baterk|nabi[tj]"
_DIFFERENCE = (
    r"diff(?!us)|\bdelta|δ|spreiz|hyster|offset|rozdil|odchyl|abweich|\bspread|\becart|korrektur"
    r"|korekc"
)
_DIRECTION = (
    r"windr|wind ?dir|wind ?fahne|smer v|\brichtung|himmelsrichtung|direction|direzione|kierunek"
    r"|smer\b|\brichting"
)
_ANGLE = (
    r"winkel|\bangle|\buhel|naklon|sklon|azimut|elevation|neigung|inclin|\btilt|kompass|kompas"
    r"|\bheading|sonnenstand|sonnenhohe|sun ?(height|position|altitude)|vyska slunce|lamell"
)
_RAIN = r"niederschlag|regen|\brain|precip|srazk|\bdest|neerslag|pluie|pioggia|opad|zrazk"

_OF_TEMPERATURES = (
    Hint("temperature_difference", _DIFFERENCE),
    Hint("dew_point", r"taupunkt|dew ?point|rosn\w{,9} bod|point de rosee|punkt rosy|dauwpunt"),
)

HINTS: Final[Mapping[str, tuple[Hint, ...]]] = {
    "ratio": (
        Hint("soil_moisture", rf"^(?!.*({_NO_SOIL}))(?=.*({_SOIL})).*({_HUMID}|moist)"),
        Hint("humidity", _HUMID),
        # No storage of the house.
        Hint(
            "battery_charge",
            rf"^(?!.*(speicher|storage|powerwall))(?=.*({_CAR}|\bauto\b|\bcar\b)).*({_CHARGED})",
        ),
        Hint(
            "storage_charge",
            r"\bsoc\b|ladezustand|ladestand|state of charge|hausbatt|home ?batt|powerwall"
            r"|(strom|energie|batterie|akku|pv|\bhaus).?speicher|(energy|battery|pv) ?storage"
            r"|speicher.?(lade|stand|soc)|mindestreserve|min(imum)? reserve|stav nabiti|accumulo"
            r"|uloziste",
        ),
        Hint("signal_strength", r"signal|rssi|empfang|wlan|wi-?fi|link ?quality"),
        Hint("fill_level", _LEVEL),
        Hint("battery_charge", r"batt|akku|\baccu\b|bateri|baterk"),
        Hint("valve_position", r"ventil(?!at)|valve|misch|mixer|stellantrieb|smesova|klap|vanne"),
        Hint("fan_speed", r"lufter|luftung|\bfan\b|ventilat|vetrak|vetrani|rekuper|geblase"),
        Hint("pump_speed", r"pump|cerpadl"),
        Hint("audio_volume", r"\bvolume\b|lautst|hlasitost|glosnosc", frozenset({"multimedia"})),
        Hint(
            "shading_position",
            r"jalousi|rollo|rolla|blind\b|blinds|shutter|\bshad|zaluzi|rolet|markis|raffstor"
            r"|beschatt|lamell",
            frozenset({"shading"}),
        ),
        Hint(
            "light_level",
            r"licht|\b(night ?)?light|\blamp|leuchte|dimm|svetl|osvetl|helligkeit|brightness"
            r"|\bjas\b|\bspots?\b|lumiere|eclairage|swiatl",
            frozenset({"lights"}),
        ),
        # It may also be an attic, a room for things, or a computer's.
        Hint("storage_charge", r"\bspeicher\b|\bstorage$"),
        Hint("battery_charge", _CAR),
    ),
    "degree sign": (
        *_OF_TEMPERATURES,
        Hint("temperature", r"temp|teplot|\bwarm"),
        Hint("wind_direction", _DIRECTION),
        Hint("angle", _ANGLE),
    ),
    "degrees": (Hint("wind_direction", _DIRECTION),),
    "celsius": _OF_TEMPERATURES,
    "ppm": (
        Hint(
            "co2", r"co ?2\b|kohlendioxid|carbon dioxide|oxid uhlicit|dwutlenek wegla|kooldioxide"
        ),
    ),
    "meters": (Hint("length", _LEVEL), Hint("precipitation", _RAIN)),
    "meters_per_second": (
        Hint("wind_speed", r"wind(?!ow)|\bboe|\bbo\b|gust|\bvitr|\bvetr\b|\bviet|rafale|\bvent\b"),
    ),
    "grams_per_cubic_meter": (Hint("absolute_humidity", _HUMID),),
}
"""Hints by base unit, the more telling first; the `degree sign` may be of an angle or not."""

_SET_POINT = re.compile(
    r"\bsoll(?!er)|soll(wert|temp)|wunsch(wert|temp)|\btarget|set ?point|pozadov|\bzadan|\bcilov"
    r"|consigne"
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
