"""Bus lanes of OSM, however they are tagged, in the one way that netconvert understands."""

from collections.abc import Mapping

_ACCESS_BY_LANE = ("psv:lanes", "bus:lanes", "vehicle:lanes")
_DIRECTIONS = ("", ":forward", ":backward")
_ONEWAY = ("yes", "1", "true")


def lane_tags(tags: Mapping[str, str], *, left_hand: bool) -> dict[str, str]:
    """Return the tags by lane that netconvert shall see in place of the way's own.

    ``bus:lanes`` and the like are kept, lanes left open filled in; a mere count (``lanes:psv=1``) is laid at the kerb
    of the lanes it belongs to; ``busway=lane`` is said for the side it means.

    Parameters
    ----------
    tags
        The way's tags.
    left_hand
        Traffic keeps left: the kerb lane is the first of a list, not the last.
    """
    given = {key: _filled(value) for key, value in tags.items() if key.startswith(_ACCESS_BY_LANE)}
    if given:
        return given
    counted: dict[str, str] = {}
    for direction in _DIRECTIONS:
        lanes = _number(tags.get(f"lanes{direction}"))
        reserved = max(_number(tags.get(f"lanes:{kind}{direction}")) for kind in ("psv", "bus"))
        whole_way = direction or tags.get("oneway") in _ONEWAY
        if whole_way and 0 < reserved < lanes:
            row = ["yes"] * (lanes - reserved) + ["designated"] * reserved
            counted[f"psv:lanes{direction}"] = "|".join(row[::-1] if left_hand else row)
    if counted or tags.get("busway") != "lane":
        return counted
    side = "left" if left_hand else "right"
    return {f"busway:{side if tags.get('oneway') in _ONEWAY else 'both'}": "lane"}


def _filled(lanes: str) -> str:
    return "|".join(lane.strip() or "yes" for lane in lanes.split("|"))


def _number(text: str | None) -> int:
    return int(text) if text and text.isdigit() else 0
