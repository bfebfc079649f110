"""The file that says which intersection each controller is, where its source calls it otherwise."""

from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from trafficfeed.errors import ScenarioInvalid, SourceUnavailable
from trafficfeed.signals.ingest.controllers import Controller, Controllers
from trafficfeed.signals.topology import Topology

SETTING = "TRAFFICFEED_SIGNALS_CONTROLLERS"


class _ControllerBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    intersection: str
    groups: dict[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1, le=255)]] = {}


_FILE = TypeAdapter(dict[str, _ControllerBody])


def load_controllers(path: Path | None, topology: Topology | None) -> Controllers:
    """Return the controllers of a file, ``{"35058280001234": {"intersection": "osm-1", "groups": {"2": 1}}}``.

    Parameters
    ----------
    path
        The file; None: every source calls them as the topology does.
    topology
        Whose intersections and groups they have to be; None: any.

    Raises
    ------
    SourceUnavailable
        If it cannot be read.
    ScenarioInvalid
        If it is not of this shape, or names what the topology does not have; says where.
    """
    if path is None:
        return {}
    try:
        read = _FILE.validate_json(path.read_bytes())
    except OSError as error:
        raise SourceUnavailable(f"{path} cannot be read: {error}; set {SETTING}") from error
    except ValidationError as broken:
        first = broken.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise ScenarioInvalid(f"{path}, {where}: {first['msg']}; mend it, or set {SETTING} to another") from broken
    _check(read, topology, path)
    return {name: Controller(intersection=one.intersection, groups=one.groups) for name, one in read.items()}


def _check(read: dict[str, _ControllerBody], topology: Topology | None, path: Path) -> None:
    taken: dict[str, str] = {}
    for name, one in read.items():
        if (other := taken.setdefault(one.intersection, name)) != name:
            raise ScenarioInvalid(f"{path}: {name} and {other} are both {one.intersection}; one intersection has one")
        if topology is None:
            continue
        known = topology.intersections.get(one.intersection)
        if known is None:
            raise ScenarioInvalid(f"{path}, {name}: no intersection {one.intersection!r} in the topology")
        missing = sorted(set(one.groups.values()) - {group.id for group in known.groups})
        if missing:
            raise ScenarioInvalid(f"{path}, {name}: {one.intersection} has no signal groups {missing}")
