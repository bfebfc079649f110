"""What is said of a flooded road in a line or two, for a phone: where, how deep, closed or not, until when."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Final
from zoneinfo import ZoneInfo

ALWAYS: Final = ("en", "zh")
"""Languages in which floods are told in every city, beside its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FloodFacts:
    """What a message tells: the place's name, whether the road is closed, how deep it is, since and until when.

    `depth_m` None: not known. `foretold`: nothing is there yet, `depth_m` is then the deepest that is expected.
    `until` None: nobody can say. `timezone` is IANA; `synthetic` marks made-up ground or water.
    """

    place: str
    closed: bool
    depth_m: float | None
    foretold: bool
    until: datetime | None
    timezone: str
    synthetic: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    closed: str
    closed_soon: str
    water: str
    water_soon: str
    depth: str
    depth_soon: str
    shut: str
    care: str
    until: str
    unknown: str
    gone: str
    synthetic: str
    unnamed: str
    gap: str = " "


_PHRASES = MappingProxyType(
    {
        "en": _Phrases(
            closed="Flooded, closed: {place}",
            closed_soon="Flooding expected, closed: {place}",
            water="Water on the road: {place}",
            water_soon="Water expected on the road: {place}",
            depth="About {cm} cm of water.",
            depth_soon="Up to {cm} cm of water expected.",
            shut="Closed.",
            care="Drive with care.",
            until="Expected clear about {time}.",
            unknown="No end in sight yet.",
            gone="until the water is gone",
            synthetic="Synthetic data.",
            unnamed="road without a name",
        ),
        "fi": _Phrases(
            closed="Tulva, katu suljettu: {place}",
            closed_soon="Tulva odotettavissa, katu suljettu: {place}",
            water="Vettä tiellä: {place}",
            water_soon="Vettä odotettavissa tielle: {place}",
            depth="Vettä noin {cm} cm.",
            depth_soon="Vettä odotettavissa enintään {cm} cm.",
            shut="Suljettu.",
            care="Aja varovasti.",
            until="Arvio kuivumisesta noin {time}.",
            unknown="Päättymistä ei vielä tiedetä.",
            gone="kunnes vesi on poistunut",
            synthetic="Synteettinen aineisto.",
            unnamed="nimetön tie",
        ),
        "sv": _Phrases(
            closed="Översvämning, avstängt: {place}",
            closed_soon="Översvämning väntas, avstängt: {place}",
            water="Vatten på vägen: {place}",
            water_soon="Vatten väntas på vägen: {place}",
            depth="Cirka {cm} cm vatten.",
            depth_soon="Upp till {cm} cm vatten väntas.",
            shut="Avstängt.",
            care="Kör försiktigt.",
            until="Väntas fritt cirka {time}.",
            unknown="Slutet är ännu okänt.",
            gone="tills vattnet är borta",
            synthetic="Syntetiska data.",
            unnamed="namnlös väg",
        ),
        "de": _Phrases(
            closed="Überflutet, gesperrt: {place}",
            closed_soon="Überflutung erwartet, gesperrt: {place}",
            water="Wasser auf der Straße: {place}",
            water_soon="Wasser auf der Straße erwartet: {place}",
            depth="Etwa {cm} cm Wasser.",
            depth_soon="Bis zu {cm} cm Wasser erwartet.",
            shut="Gesperrt.",
            care="Vorsichtig fahren.",
            until="Voraussichtlich frei gegen {time}.",
            unknown="Noch kein Ende absehbar.",
            gone="bis das Wasser abgelaufen ist",
            synthetic="Synthetische Daten.",
            unnamed="unbenannte Straße",
        ),
        "zh": _Phrases(
            closed="积水封路：{place}",
            closed_soon="预计积水，已封路：{place}",
            water="道路积水：{place}",
            water_soon="预计道路积水：{place}",
            depth="积水约{cm}厘米。",
            depth_soon="预计积水最深{cm}厘米。",
            shut="道路封闭。",
            care="请谨慎驾驶。",
            until="预计{time}左右恢复通行。",
            unknown="恢复时间待定。",
            gone="至积水退去",
            synthetic="合成数据。",
            unnamed="无名道路",
            gap="",
        ),
    }
)


def languages_for(language: str) -> tuple[str, ...]:
    """Return the languages in which a city's floods are told: its own (English where we have no phrases), en, zh."""
    own = language if language.split("-")[0].lower() in _PHRASES else "en"
    known = [one for one in ALWAYS if one != own.split("-")[0].lower()]
    return (own, *known)


def titles(facts: FloodFacts, languages: Iterable[str]) -> dict[str, str]:
    """Return the headline by language: what, and where; without figures, so that it stays while the water rises."""
    return {language: _title(facts, _in(language)) for language in languages}


def messages(facts: FloodFacts, languages: Iterable[str]) -> dict[str, str]:
    """Return the message by language: the headline, how deep, what to do, until when; at most some 160 characters."""
    return {language: _message(facts, _in(language)) for language in languages}


def until_texts(languages: Iterable[str]) -> dict[str, str]:
    """Return what ends a flood's order, by language."""
    return {language: _in(language).gone for language in languages}


def _title(facts: FloodFacts, words: _Phrases) -> str:
    if facts.closed:
        phrase = words.closed_soon if facts.foretold else words.closed
    else:
        phrase = words.water_soon if facts.foretold else words.water
    return phrase.format(place=facts.place or words.unnamed)


def _message(facts: FloodFacts, words: _Phrases) -> str:
    end = "。" if not words.gap else "."
    said = [_title(facts, words) + end]
    if facts.depth_m is not None:
        phrase = words.depth_soon if facts.foretold else words.depth
        said.append(phrase.format(cm=round(facts.depth_m * 100)))
    said.append(words.shut if facts.closed else words.care)
    said.append(words.unknown if facts.until is None else words.until.format(time=_clock(facts)))
    if facts.synthetic:
        said.append(words.synthetic)
    return words.gap.join(said)


def _clock(facts: FloodFacts) -> str:
    """Return the local time of day; a flood rarely outlasts it, and where it does the record says the date."""
    assert facts.until is not None
    return facts.until.astimezone(ZoneInfo(facts.timezone)).strftime("%H:%M")


def _in(language: str) -> _Phrases:
    return _PHRASES.get(language.split("-")[0].lower(), _PHRASES["en"])
