"""What a road event forbids and who is excepted, in a sentence or two for a driver, in the language of a feed."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import MappingProxyType

from trafficfeed.closures.orders import (
    Closure,
    Exemption,
    Hazard,
    LanesClosed,
    Metering,
    OneWay,
    Reason,
    SpeedLimit,
    TurnBan,
    VehicleRestriction,
)
from trafficfeed.closures.road_events import RoadEvent


@dataclass(frozen=True, slots=True, kw_only=True)
class _Words:
    """One language's phrases; `who` names vehicle classes and exemptions by their own values."""

    closed: str
    hazard: str
    water: str
    one_way: str
    lanes: str
    speed: str
    metering: str
    no_turn: str
    only: str
    banned: str
    excepted: str
    permit: str
    weight: str
    height: str
    width: str
    length: str
    cancelled: str
    unnamed: str
    road: str
    who: dict[str, str]
    gap: str = " "
    comma: str = ", "


_WORDS = MappingProxyType(
    {
        "en": _Words(
            closed="Closed.",
            hazard="Danger on the road: drive with care.",
            water="Water on the road: drive with care.",
            one_way="One-way: closed in this direction.",
            lanes="{closed} of {total} lanes closed.",
            speed="Speed limit {value} km/h.",
            metering="Metered traffic.",
            no_turn="No turn into {street}.",
            only="Only for {who}.",
            banned="Not for {who}.",
            excepted="Except {who}.",
            permit="Only with a permit: {permit}.",
            weight="Weight limit {value} t.",
            height="Height limit {value} m.",
            width="Width limit {value} m.",
            length="Length limit {value} m.",
            cancelled="Cancelled",
            unnamed="Unnamed road",
            road="Road",
            who={
                "passenger": "cars", "taxi": "taxis", "bus": "buses", "coach": "coaches", "delivery": "deliveries",
                "truck": "lorries", "trailer": "articulated lorries", "motorcycle": "motorcycles",
                "bicycle": "bicycles", "emergency": "emergency vehicles", "authority": "authorities",
                "custom1": "permit holders", "residents": "residents", "permit": "permit holders",
            },
        ),
        "fi": _Words(
            closed="Suljettu.",
            hazard="Vaara tiellä: aja varovasti.",
            water="Vettä tiellä: aja varovasti.",
            one_way="Yksisuuntainen: tämä suunta on suljettu.",
            lanes="{closed}/{total} kaistaa suljettu.",
            speed="Nopeusrajoitus {value} km/h.",
            metering="Liikennettä säännöstellään.",
            no_turn="Kääntyminen kielletty: {street}.",
            only="Sallittu vain: {who}.",
            banned="Kielletty: {who}.",
            excepted="Ei koske: {who}.",
            permit="Vain luvalla: {permit}.",
            weight="Painorajoitus {value} t.",
            height="Korkeusrajoitus {value} m.",
            width="Leveysrajoitus {value} m.",
            length="Pituusrajoitus {value} m.",
            cancelled="Peruttu",
            unnamed="Nimetön tie",
            road="Tie",
            who={
                "passenger": "henkilöautot", "taxi": "taksit", "bus": "bussit", "coach": "linja-autot",
                "delivery": "jakeluliikenne", "truck": "kuorma-autot", "trailer": "yhdistelmäajoneuvot",
                "motorcycle": "moottoripyörät", "bicycle": "polkupyörät", "emergency": "hälytysajoneuvot",
                "authority": "viranomaiset", "custom1": "luvan haltijat", "residents": "asukkaat",
                "permit": "luvan haltijat",
            },
        ),
        "sv": _Words(
            closed="Avstängt.",
            hazard="Fara på vägen: kör försiktigt.",
            water="Vatten på vägen: kör försiktigt.",
            one_way="Enkelriktat: avstängt i denna riktning.",
            lanes="{closed} av {total} körfält avstängda.",
            speed="Hastighetsgräns {value} km/h.",
            metering="Trafiken doseras.",
            no_turn="Förbjudet att svänga in på {street}.",
            only="Endast för {who}.",
            banned="Förbjudet för {who}.",
            excepted="Gäller ej {who}.",
            permit="Endast med tillstånd: {permit}.",
            weight="Viktgräns {value} t.",
            height="Höjdgräns {value} m.",
            width="Breddgräns {value} m.",
            length="Längdgräns {value} m.",
            cancelled="Inställt",
            unnamed="Namnlös väg",
            road="Väg",
            who={
                "passenger": "personbilar", "taxi": "taxi", "bus": "bussar", "coach": "turistbussar",
                "delivery": "leveranser", "truck": "lastbilar", "trailer": "lastbilar med släp",
                "motorcycle": "motorcyklar", "bicycle": "cyklar", "emergency": "utryckningsfordon",
                "authority": "myndigheter", "custom1": "tillståndshavare", "residents": "boende",
                "permit": "tillståndshavare",
            },
        ),
        "de": _Words(
            closed="Gesperrt.",
            hazard="Gefahr auf der Straße: vorsichtig fahren.",
            water="Wasser auf der Straße: vorsichtig fahren.",
            one_way="Einbahnstraße: in dieser Richtung gesperrt.",
            lanes="{closed} von {total} Fahrstreifen gesperrt.",
            speed="Tempolimit {value} km/h.",
            metering="Der Zufluss wird dosiert.",
            no_turn="Kein Abbiegen: {street}.",
            only="Nur frei für {who}.",
            banned="Gesperrt für {who}.",
            excepted="Ausgenommen {who}.",
            permit="Nur mit Genehmigung: {permit}.",
            weight="Höchstgewicht {value} t.",
            height="Höchsthöhe {value} m.",
            width="Höchstbreite {value} m.",
            length="Höchstlänge {value} m.",
            cancelled="Aufgehoben",
            unnamed="Unbenannte Straße",
            road="Straße",
            who={
                "passenger": "Pkw", "taxi": "Taxis", "bus": "Busse", "coach": "Reisebusse",
                "delivery": "Lieferverkehr", "truck": "Lkw", "trailer": "Lastzüge", "motorcycle": "Motorräder",
                "bicycle": "Fahrräder", "emergency": "Einsatzfahrzeuge", "authority": "Behörden",
                "custom1": "Berechtigte", "residents": "Anlieger", "permit": "Berechtigte",
            },
        ),
        "zh": _Words(
            closed="封闭。",
            hazard="前方路况危险，请谨慎驾驶。",
            water="路面积水，请谨慎驾驶。",
            one_way="单行：此方向封闭。",
            lanes="{total}条车道中{closed}条封闭。",
            speed="限速{value}公里/小时。",
            metering="限流放行。",
            no_turn="禁止转入{street}。",
            only="仅限{who}通行。",
            banned="禁止{who}通行。",
            excepted="{who}除外。",
            permit="凭证通行：{permit}。",
            weight="限重{value}吨。",
            height="限高{value}米。",
            width="限宽{value}米。",
            length="限长{value}米。",
            cancelled="已取消",
            unnamed="无名道路",
            road="道路",
            who={
                "passenger": "小客车", "taxi": "出租车", "bus": "公交车", "coach": "大客车", "delivery": "配送车辆",
                "truck": "货车", "trailer": "拖挂车", "motorcycle": "摩托车", "bicycle": "自行车",
                "emergency": "应急车辆", "authority": "公务车辆", "custom1": "持证车辆", "residents": "居民",
                "permit": "持证车辆",
            },
            gap="",
            comma="、",
        ),
    }
)  # fmt: skip


def rule_text(event: RoadEvent, language: str) -> str:
    """Return what `event` forbids and who is excepted, as in "Closed. Except emergency vehicles, residents".

    Parameters
    ----------
    language
        BCP 47; English where we have no phrases for it.
    """
    words = _words(language)
    return words.gap.join(_sentences(event, words))


def street_text(street: str, language: str) -> str:
    """Return a street's name with at least two characters, as CIFS demands; "unnamed road" where there is none."""
    name = street.strip()
    return name if len(name) > 1 else f"{_words(language).road} {name}" if name else _words(language).unnamed


def cancelled_text(language: str) -> str:
    """Return the word for what was cancelled."""
    return _words(language).cancelled


def _words(language: str) -> _Words:
    return _WORDS.get(language.split("-")[0].lower(), _WORDS["en"])


def _sentences(event: RoadEvent, words: _Words) -> Iterator[str]:
    match event.rule:
        case Closure():
            yield words.closed
        case OneWay():
            yield words.one_way
        case LanesClosed():
            yield words.lanes.format(closed=len(event.lanes_closed), total=event.lanes_total)
        case SpeedLimit(limit_kmh=limit):
            yield words.speed.format(value=limit)
        case Metering():
            yield words.metering
        case TurnBan():
            yield words.no_turn.format(street=event.to_street or words.unnamed)
        case Hazard():
            yield words.hazard if event.water is None and event.reason is not Reason.FLOODING else words.water
        case VehicleRestriction() as rule:
            yield from _restrictions(rule, words)
    if event.exceptions and not isinstance(event.rule, SpeedLimit | Metering | Hazard):  # those let everybody pass
        yield words.excepted.format(who=_who((one for one in Exemption if one in event.exceptions), words))


def _restrictions(rule: VehicleRestriction, words: _Words) -> Iterator[str]:
    if rule.only:
        yield words.only.format(who=_who(rule.only, words))
    if rule.banned:
        yield words.banned.format(who=_who(rule.banned, words))
    limits = (
        (words.weight, rule.max_weight_t),
        (words.height, rule.max_height_m),
        (words.width, rule.max_width_m),
        (words.length, rule.max_length_m),
    )
    yield from (phrase.format(value=f"{value:g}") for phrase, value in limits if value is not None)
    if rule.permit:
        yield words.permit.format(permit=rule.permit)


def _who(classes: Iterable[str], words: _Words) -> str:
    return words.comma.join(dict.fromkeys(words.who[str(one)] for one in classes))
