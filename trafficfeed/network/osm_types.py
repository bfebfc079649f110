"""The road types that netconvert is given: SUMO's own, and a variant for every other set of vehicles let in."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from lxml import etree

from trafficfeed.network.lane_access import access_mask
from trafficfeed.network.osm_access import road_mask
from trafficfeed.network.vehicle_classes import classes_of

_PREFIX = "highway."
# a square or a footway that vehicles may enter is driven like a living street, not like a footway
_DRIVEN_AS = dict.fromkeys(("pedestrian", "footway", "path", "cycleway", "track"), "living_street")


class RoadTypes:
    """Chooses each way's type; remembers the variants it made up, to be written beside the roads."""

    def __init__(self, type_files: Sequence[Path]) -> None:
        self._types: dict[str, dict[str, str]] = {}
        for path in type_files:
            for element in etree.parse(path).getroot().iter("type"):
                attributes = {str(key): str(value) for key, value in element.attrib.items()}
                known = self._types.setdefault(attributes["id"], {})
                if "allow" in attributes:
                    known.pop("disallow", None)
                known |= attributes
        self._variants: dict[str, dict[str, str]] = {}

    def highway_for(self, tags: Mapping[str, str]) -> str | None:
        """Return the ``highway`` value under which netconvert shall see a way, None where no motor vehicle may go.

        It is the way's own, with the mask of the classes let in where that is not the type's usual one:
        ``service.3106``.
        """
        highway = tags.get("highway", "")
        plain = self._types.get(_PREFIX + _DRIVEN_AS.get(highway, highway))
        if plain is None:
            return None
        usual = 0 if highway in _DRIVEN_AS else access_mask(plain.get("allow"), plain.get("disallow"))
        mask = road_mask(tags, usual)
        if mask == usual:
            return highway if mask else None
        if not mask:
            return None
        value = f"{highway}.{mask}"
        allow = " ".join(sorted(classes_of(mask)))
        kept = {key: text for key, text in plain.items() if key not in ("id", "allow", "disallow", "discard")}
        self._variants[value] = {"id": _PREFIX + value, **kept, "allow": allow}
        return value

    def write_variants(self, path: Path) -> None:
        """Write the variants as a type file for netconvert."""
        root = etree.Element("types")
        for value in sorted(self._variants):
            etree.SubElement(root, "type", self._variants[value])
        path.write_bytes(etree.tostring(root, pretty_print=True, xml_declaration=True, encoding="utf-8"))
