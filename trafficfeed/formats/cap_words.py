"""What a CAP alert calls a measure, and what it tells people to do, in the languages that we have phrases for."""

from dataclasses import dataclass
from types import MappingProxyType

from trafficfeed.closures.road_events import RoadEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    """One language: names of rules by their kind (at most 35 characters), and instructions."""

    kinds: MappingProxyType[str, str]
    withdrawn: str
    avoid: str
    heed: str
    pending: str
    flooded: str
    wade: str


def _kinds(
    closure: str,
    lanes: str,
    vehicles: str,
    one_way: str,
    speed: str,
    metering: str,
    turn: str,
    hazard: str,
) -> dict[str, str]:
    return {
        "closure": closure, "lanes_closed": lanes, "vehicles": vehicles, "one_way": one_way, "speed_limit": speed,
        "metering": metering, "turn_ban": turn, "hazard": hazard,
    }  # fmt: skip


_PHRASES = MappingProxyType(
    {
        "en": _Phrases(
            kinds=MappingProxyType(
                _kinds(
                    "Road closure", "Lane closure", "Vehicle restriction", "One-way traffic", "Speed limit",
                    "Metered traffic", "Turn ban", "Danger on the road",
                )
            ),
            withdrawn="Withdrawn: the restriction does not apply any more.",
            avoid="Avoid the area, and follow the signs and the police.",
            heed="Follow the signs and the police.",
            pending="The effects on traffic are still being worked out.",
            flooded="Flooded road",
            wade="Drive with care, and never into water whose depth you cannot see.",
        ),
        "fi": _Phrases(
            kinds=MappingProxyType(
                _kinds(
                    "Katu suljettu", "Kaista suljettu", "Ajoneuvorajoitus", "Yksisuuntainen liikenne",
                    "Nopeusrajoitus", "Liikennettä säännöstellään", "Kääntymiskielto", "Vaara tiellä",
                )
            ),
            withdrawn="Peruttu: rajoitus ei ole enää voimassa.",
            avoid="Vältä aluetta ja noudata opasteita ja poliisin ohjeita.",
            heed="Noudata opasteita ja poliisin ohjeita.",
            pending="Vaikutuksia liikenteeseen arvioidaan vielä.",
            flooded="Tulvinut katu",
            wade="Aja varovasti, äläkä aja veteen, jonka syvyyttä et näe.",
        ),
        "sv": _Phrases(
            kinds=MappingProxyType(
                _kinds(
                    "Avstängd väg", "Avstängt körfält", "Fordonsbegränsning", "Enkelriktad trafik",
                    "Hastighetsbegränsning", "Trafiken doseras", "Svängförbud", "Fara på vägen",
                )
            ),
            withdrawn="Återkallat: begränsningen gäller inte längre.",
            avoid="Undvik området och följ skyltar och polisens anvisningar.",
            heed="Följ skyltar och polisens anvisningar.",
            pending="Följderna för trafiken utreds fortfarande.",
            flooded="Översvämmad väg",
            wade="Kör försiktigt, och aldrig ut i vatten vars djup du inte ser.",
        ),
        "de": _Phrases(
            kinds=MappingProxyType(
                _kinds(
                    "Straßensperrung", "Fahrstreifensperrung", "Fahrzeugbeschränkung", "Einbahnverkehr",
                    "Geschwindigkeitsbeschränkung", "Zuflussdosierung", "Abbiegeverbot", "Gefahr auf der Straße",
                )
            ),
            withdrawn="Zurückgenommen: Die Beschränkung gilt nicht mehr.",
            avoid="Meiden Sie das Gebiet und folgen Sie den Schildern und der Polizei.",
            heed="Folgen Sie den Schildern und der Polizei.",
            pending="Die Folgen für den Verkehr werden noch untersucht.",
            flooded="Überflutete Straße",
            wade="Fahren Sie vorsichtig und nie in Wasser, dessen Tiefe Sie nicht sehen.",
        ),
        "zh": _Phrases(
            kinds=MappingProxyType(
                _kinds("道路封闭", "车道封闭", "车辆限行", "单向通行", "限速", "限流放行", "禁止转弯", "道路危险")
            ),
            withdrawn="已撤销：该管制不再有效。",
            avoid="请避开该区域，并遵从标志和交警指挥。",
            heed="请遵从标志和交警指挥。",
            pending="对交通的影响仍在评估。",
            flooded="道路积水",
            wade="请谨慎驾驶，切勿驶入深度不明的积水。",
        ),
    }
)  # fmt: skip


def kind_of(event: RoadEvent, language: str) -> str:
    """Return what the measure is called, English where we have no phrases for `language` (BCP 47)."""
    phrases = _in(language)
    return phrases.kinds[event.rule.kind] if event.water is None else phrases.flooded


def instruction_of(event: RoadEvent, language: str) -> str:
    """Return what people should do."""
    phrases = _in(language)
    if event.cancelled:
        return phrases.withdrawn
    if event.rule.kind == "hazard" and event.water is not None:
        return phrases.wade
    return phrases.avoid if keeps_out(event) else phrases.heed


def pending_in(language: str) -> str:
    """Return the words for a record that the simulation has not spoken on."""
    return _in(language).pending


def keeps_out(event: RoadEvent) -> bool:
    """Tell whether the area is shut to ordinary traffic, so that people had better stay away."""
    return event.rule.kind in ("closure", "vehicles")


def _in(language: str) -> _Phrases:
    return _PHRASES.get(language.split("-")[0].lower(), _PHRASES["en"])
