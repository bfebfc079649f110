"""What the simulation found, in a sentence or two for a driver, in the language of a feed."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from trafficfeed.closures.road_events import CertificateSummary, QueueRisk, RoadEvent

_MINUTES_FROM_S = 120.0
_MOST_NAMES = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class _Phrases:
    """One language's phrases; `gap` stands between two sentences, `comma` between names."""

    delay: str
    detour: str
    queues_on: str
    queues: str
    no_queues: str
    cut_off_places: str
    cut_off: str
    units: tuple[str, str] = (" s", " min")
    decimal: str = "."
    gap: str = " "
    comma: str = ", "


_PHRASES = MappingProxyType(
    {
        "en": _Phrases(
            delay="Delay {mean} per vehicle ({low} to {high}).",
            detour="Detour: {names}.",
            queues_on="Queues likely on {names}.",
            queues="Queues likely.",
            no_queues="No queues back to other junctions.",
            cut_off_places="Out of reach: {names}.",
            cut_off="{count} vehicles cannot reach their destination.",
        ),
        "fi": _Phrases(
            delay="Viive {mean} ajoneuvoa kohti ({low} – {high}).",
            detour="Kiertotie: {names}.",
            queues_on="Jonoja todennäköisesti: {names}.",
            queues="Jonoja todennäköisesti.",
            no_queues="Ei jonoja muihin risteyksiin asti.",
            cut_off_places="Ei ajoyhteyttä: {names}.",
            cut_off="{count} ajoneuvoa ei pääse perille.",
            decimal=",",
        ),
        "sv": _Phrases(
            delay="Fördröjning {mean} per fordon ({low} till {high}).",
            detour="Omväg: {names}.",
            queues_on="Köer sannolika: {names}.",
            queues="Köer sannolika.",
            no_queues="Inga köer bakåt till andra korsningar.",
            cut_off_places="Går inte att nå: {names}.",
            cut_off="{count} fordon når inte sitt mål.",
            decimal=",",
        ),
        "de": _Phrases(
            delay="Verzögerung {mean} je Fahrzeug ({low} bis {high}).",
            detour="Umleitung: {names}.",
            queues_on="Rückstau wahrscheinlich: {names}.",
            queues="Rückstau wahrscheinlich.",
            no_queues="Kein Rückstau bis in andere Kreuzungen.",
            cut_off_places="Nicht erreichbar: {names}.",
            cut_off="{count} Fahrzeuge erreichen ihr Ziel nicht.",
            decimal=",",
        ),
        "zh": _Phrases(
            delay="每车延误{mean}（{low}至{high}）。",
            detour="绕行：{names}。",
            queues_on="可能排队：{names}。",
            queues="可能排队。",
            no_queues="排队不会延伸至其他路口。",
            cut_off_places="无法到达：{names}。",
            cut_off="{count}辆车无法到达目的地。",
            units=("秒", "分钟"),
            gap="",
            comma="、",
        ),
    }
)


def impact_text(event: RoadEvent, language: str, *, limit: int | None = None) -> str:
    """Return what `event` does to traffic: delay with its interval, detour, queues, who is cut off.

    Without a certificate only the detour is known. "" where there is nothing to say, or the event is cancelled.

    Parameters
    ----------
    language
        BCP 47; English where we have no phrases for it.
    limit
        The most characters; names are left out first, then whole sentences: queues, delay, detour, who is cut off last.
    """
    if event.cancelled:
        return ""
    phrases = _PHRASES.get(language.split("-")[0].lower(), _PHRASES["en"])
    for most_names in range(_MOST_NAMES, 0, -1):
        sentences = list(_sentences(event, phrases, most_names))
        text = phrases.gap.join(sentence for _, sentence in sentences)
        if limit is None or len(text) <= limit:
            return text
    return _fitting(sentences, phrases.gap, limit or 0)


def _sentences(event: RoadEvent, phrases: _Phrases, most_names: int) -> Iterator[tuple[int, str]]:
    """Yield rank (0: kept longest) and sentence, in the order in which they are read."""
    summary = event.certificate
    if summary is not None and summary.delay_per_vehicle_s is not None:
        yield 2, _delay(summary, summary.delay_per_vehicle_s, phrases)
    if streets := _detour_streets(event):
        yield 1, phrases.detour.format(names=_names(streets, most_names, phrases))
    if summary is None:
        return
    if summary.queue_risk is QueueRisk.LIKELY:
        names = _names(summary.queues_on, most_names, phrases)
        yield 3, phrases.queues_on.format(names=names) if names else phrases.queues
    elif summary.queue_risk is QueueRisk.NONE:
        yield 4, phrases.no_queues
    if summary.cut_off_places:
        yield 0, phrases.cut_off_places.format(names=_names(summary.cut_off_places, most_names, phrases))
    elif summary.cut_off:
        yield 0, phrases.cut_off.format(count=summary.cut_off)


def _fitting(sentences: Sequence[tuple[int, str]], gap: str, limit: int) -> str:
    kept: set[int] = set()
    for rank, _ in sorted(sentences):
        text = gap.join(sentence for other, sentence in sentences if other in kept | {rank})
        if len(text) <= limit:
            kept.add(rank)
    return gap.join(sentence for rank, sentence in sentences if rank in kept)


def _delay(summary: CertificateSummary, mean: float, phrases: _Phrases) -> str:
    low = mean if summary.delay_low_s is None else summary.delay_low_s
    high = mean if summary.delay_high_s is None else summary.delay_high_s
    said = {name: _duration(seconds, phrases) for name, seconds in {"mean": mean, "low": low, "high": high}.items()}
    return phrases.delay.format(**said)


def _duration(seconds: float, phrases: _Phrases) -> str:
    in_minutes = abs(seconds) >= _MINUTES_FROM_S
    value = round(seconds / 60 if in_minutes else seconds, 1) + 0.0  # no "-0"
    return f"{value:g}".replace("-", "−").replace(".", phrases.decimal) + phrases.units[in_minutes]


def _detour_streets(event: RoadEvent) -> tuple[str, ...]:
    """Return where the simulated traffic goes, else the streets of the published detour."""
    driven = event.certificate.diverted_to if event.certificate else ()
    return tuple(dict.fromkeys(one.street for one in driven if one.street)) or tuple(event.detour_streets)


def _names(names: Sequence[str], most: int, phrases: _Phrases) -> str:
    more = len(names) - most
    return phrases.comma.join(names[:most]) + (f" (+{more})" if more > 0 else "")
