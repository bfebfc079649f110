"""The country of a time zone, which DATEX II wants of every publisher."""

from functools import lru_cache
from importlib.resources import files

UNKNOWN = "ZZ"  # the code that ISO 3166 leaves to users, and CLDR takes for an unknown territory


def country_of(timezone: str) -> str:
    """Return the ISO 3166-1 alpha-2 code of an IANA zone: ``Europe/Oslo`` → ``NO``; ``ZZ`` for one of no country.

    Source: the time zone database's own ``zone.tab`` (package tzdata).
    """
    return _countries().get(timezone, UNKNOWN)


@lru_cache(maxsize=1)
def _countries() -> dict[str, str]:
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {zone: code for code, _, zone, *_ in rows}
