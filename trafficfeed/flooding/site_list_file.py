"""The list of known places as it is written: fields, their bounds, and what has to hold between them."""

from itertools import pairwise
from typing import Annotated, Literal, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator

_LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]
_Text = Annotated[str, Field(min_length=1, max_length=200)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RoadEntry(_Strict):
    """A street section."""

    street: _Text
    between: tuple[_Text, _Text] | None = None
    travel: Literal["both", "forward", "backward"] = "both"


class BowlEntry(_Strict):
    """How wide or how much at each depth."""

    depth_m: tuple[Annotated[float, Field(ge=0, le=20)], ...] = Field(min_length=2)
    area_m2: tuple[Annotated[float, Field(ge=0)], ...] | None = None
    volume_m3: tuple[Annotated[float, Field(ge=0)], ...] | None = None

    @model_validator(mode="after")
    def _a_curve(self) -> Self:
        other = self.area_m2 if self.volume_m3 is None else self.volume_m3
        if other is None or (self.area_m2 is not None and self.volume_m3 is not None):
            raise ValueError("a bowl has depth_m and either area_m2 or volume_m3")
        if len(other) != len(self.depth_m):
            raise ValueError(f"{len(self.depth_m)} depths and {len(other)} areas or volumes: as many of both")
        if self.depth_m[0] != 0 or any(b <= a for a, b in pairwise(self.depth_m)):
            raise ValueError("depth_m begins with 0 and rises")
        if self.volume_m3 is not None and (other[0] != 0 or any(b < a for a, b in pairwise(other))):
            raise ValueError("volume_m3 begins with 0 and never falls")
        if self.area_m2 is not None and any(b < a for a, b in pairwise(other)):
            raise ValueError("area_m2 never falls: a bowl widens upwards")
        return self


class FloodEntry(_Strict):
    """A past flood."""

    started_at: AwareDatetime
    ended_at: AwareDatetime
    max_depth_m: float = Field(ge=0, le=10)

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.ended_at <= self.started_at:
            raise ValueError("ended_at comes after started_at")
        return self


class _Place(_Strict):
    at: _LonLat | None = None
    reach_m: float = Field(30.0, gt=0, le=200)


class SiteEntry(_Place):
    """``[[site]]``."""

    id: str = Field(pattern=r"^[a-z0-9]([a-z0-9_-]{0,62}[a-z0-9])?$")
    name: str = Field("", max_length=200)
    road: tuple[RoadEntry, ...] = ()
    radius_m: float = Field(15.0, gt=0, le=500)
    terrain: bool = True
    sensors: tuple[_Text, ...] = ()
    elevation_m: float | None = Field(None, ge=-450, le=9000)
    bowl: BowlEntry | None = None
    catchment_m2: float | None = Field(None, gt=0, le=1e8)
    drain_m3ps: float | None = Field(None, ge=0, le=50)
    outfall_level_m: float | None = Field(None, ge=-15, le=15)
    tidal: bool | None = None
    history: tuple[FloodEntry, ...] = ()

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if self.at is None and not self.road:
            raise ValueError("say where it is: at = [lon, lat], or road = [{street = …, between = [… , …]}]")
        return self


class BridgeEntry(_Place):
    """``[[bridge]]``."""

    road: RoadEntry | None = None
    reason: str = ""

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.at is None) == (self.road is None):
            raise ValueError("say where it is: at = [lon, lat], or road = {street = …, between = [… , …]}")
        return self


class ListFile(_Strict):
    """The whole file."""

    site: tuple[SiteEntry, ...] = ()
    bridge: tuple[BridgeEntry, ...] = ()
