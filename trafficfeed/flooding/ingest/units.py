"""Units of length and rain as sources write them; what is not known is refused, never guessed."""

import re
from collections.abc import Mapping
from typing import Final

_LENGTHS: Final[Mapping[float, tuple[str, ...]]] = {
    1.0: ("m", "metre", "metres", "meter", "meters"),
    0.1: ("dm", "decimetre", "decimeter"),
    0.01: ("cm", "centimetre", "centimetres", "centimeter", "centimeters"),
    0.001: ("mm", "millimetre", "millimetres", "millimeter", "millimeters", "kg/m2", "kgm-2", "kgm**-2", "kgm^-2"),
    0.0254: ("in", "inch", "inches", '"', "in_i", "[in_i]"),
    0.3048: ("ft", "foot", "feet", "[ft_i]"),
}
_METRES: Final[Mapping[str, float]] = {name: metres for metres, names in _LENGTHS.items() for name in names}
_PER_HOUR: Final = re.compile(r"^(.+?)(?:/h|/hr|/hour|h-1|hr-1|perhour)$")
_IN_NAME: Final = re.compile(r"(?<![a-z])(in|inch|inches|ft|feet|mm|cm|m)(?![a-z])", re.IGNORECASE)
_NUMBER: Final = re.compile(r"^\s*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?)\s*(.*?)\s*$")


class UnitFault(ValueError):
    """A unit that is not known, or a text that is no number."""


def metres_of(unit: str) -> float:
    """Return how many metres one `unit` is.

    Raises
    ------
    UnitFault
        If it is no unit of length that is known.
    """
    found = _METRES.get(_plain(unit))
    if found is None:
        raise UnitFault(f"{unit!r} is no unit of length that is known: use m, cm, mm, in or ft")
    return found


def rain_mm_of(unit: str) -> tuple[float, bool]:
    """Return how many millimetres of rain one `unit` is, and whether it is a rate an hour.

    Raises
    ------
    UnitFault
        If it is no unit of rain that is known.
    """
    plain = _plain(unit)
    rate = _PER_HOUR.match(plain)
    found = _METRES.get(rate.group(1) if rate else plain)
    if found is None:
        raise UnitFault(f"{unit!r} is no unit of rain that is known: use mm, in, cm, m, mm/h or in/h")
    return found * 1000.0, rate is not None


def same_unit(one: str, other: str) -> bool:
    """Tell whether two names mean one unit."""
    return _plain(one) == _plain(other) or _METRES.get(_plain(one), -1.0) == _METRES.get(_plain(other), -2.0)


def unit_in_name(column: str) -> str:
    """Return the unit that a column's name says it holds (``depth_inches``, ``level (cm)``); "" where it says none."""
    found = _IN_NAME.findall(column)
    return str(found[-1]).lower() if found else ""


def number_in(value: object, *, decimal: str = ".") -> tuple[float, str]:
    """Return the number that a value holds, and the unit that is written behind it ("" for none).

    Raises
    ------
    UnitFault
        If there is no number, or it is not finite.
    """
    if isinstance(value, bool) or value is None:
        raise UnitFault(f"{value!r} is no number")
    if isinstance(value, int | float):
        number, unit = float(value), ""
    else:
        text = str(value)
        match = _NUMBER.match(text.replace(",", ".") if decimal == "," else text)
        if match is None or match.group(2).startswith(","):
            raise UnitFault(f"{text!r} is no number" + ('; declare decimal = ","' if "," in text else ""))
        number, unit = float(match.group(1)), match.group(2)
    if not abs(number) < 1e9:
        raise UnitFault(f"{value!r} is no finite number")
    return number, unit


def _plain(unit: str) -> str:
    text = unit.strip().lower().replace("²", "2").replace("⁻", "-")
    return re.sub(r"\s+", "", text) if text != '"' else text
