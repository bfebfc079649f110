"""Which of our intersections and groups a controller is, that its source calls otherwise."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Controller:
    """A controller behind an intersection; `groups` are ours by the source's numbers, those left out are the same."""

    intersection: str
    groups: Mapping[int, int] = field(default_factory=dict)


Controllers = Mapping[str, Controller]
"""By the name that the source gives it: device of a log, CrossID."""


def groups_by_intersection(controllers: Controllers) -> dict[str, Mapping[int, int]]:
    """Return each intersection's groups by the source's numbers."""
    return {one.intersection: one.groups for one in controllers.values()}
