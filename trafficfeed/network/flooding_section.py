"""What a city says of its terrain and water: ``[flooding]`` in `city.toml`, or `flooding/settings.toml` beside it."""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

LonLat = tuple[Annotated[float, Field(ge=-180, le=180)], Annotated[float, Field(ge=-90, le=90)]]

SETTINGS_FILE = "flooding/settings.toml"
SITES_FILE = "flooding/sites.json"
_LIST_FILE = "flooding/sites.toml"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class SyntheticBowl(_Strict):
    """A hollow in made ground: a Gaussian of `depth_m` whose depth is a third (1/e) of it at `radius_m`."""

    at: LonLat = Field(description="its middle, lon, lat, EPSG:4326")
    depth_m: float = Field(gt=0, le=5)
    radius_m: float = Field(gt=0, le=500)


class SyntheticTerrain(_Strict):
    """Made ground, by a formula from the road network alone, where no elevation model is at hand.

    With d the distance from the water, x and y metres east and north of the network's south-west corner (in the city's
    CRS), and a bowl's r the distance from its middle::

        z = quay_m + rise * d² / (d + flat_m) + swell_m * sin(2πx / swell_length_m) * sin(2πy / swell_length_m)
            - Σ depth_m * exp(-(r / radius_m)²) - kerb_m within road_half_width_m of a road's line

    and `bed_m` in the water itself.
    """

    water: tuple[LonLat, ...] = Field(min_length=3, description="the water's outline, lon, lat, EPSG:4326; may run out")
    bed_m: float = Field(-4.0, description="height in the water, m")
    quay_m: float = Field(description="height of the ground at the water, m above the tide datum")
    rise: float = Field(0.01, ge=0, description="how fast the ground rises far from the water, m per m")
    flat_m: float = Field(300.0, gt=0, description="how far from the water it hardly rises")
    swell_m: float = Field(0.0, ge=0, description="amplitude of its waves")
    swell_length_m: float = Field(250.0, gt=0)
    kerb_m: float = Field(0.12, ge=0, description="how much lower the roads lie than the ground beside them")
    road_half_width_m: float = Field(5.0, gt=0)
    cell_m: float = Field(4.0, ge=0.5, le=50)
    bowl: tuple[SyntheticBowl, ...] = ()


class FloodingSection(_Strict):
    """Terrain, known places and tides of a city; all of it may be missing. Paths are relative to the city folder."""

    dem: str | None = Field(None, description="elevation model: GeoTIFF or ESRI ASCII grid")
    dem_crs: str | None = Field(None, description="its CRS, where the file states none (no .asc does)")
    dem_unit: Literal["m", "dm", "cm", "mm", "ft", "us-ft"] | None = Field(
        None, description="of its heights; default: as the file says, else metres"
    )
    dem_fill_holes_m2: float = Field(0.0, ge=0, description="holes up to this size are filled from round about")
    dem_open_holes: bool = Field(
        False, description="larger holes stay, water that reaches them is gone: ponds, harbours"
    )
    vertical_datum: str = Field("", description="what the heights are above: N2000, NAVD88 …")
    synthetic_terrain: SyntheticTerrain | None = Field(None, description="made ground in place of a model")
    terrain_label: str = Field("", description="shown wherever the terrain is, or what is made from it")
    least_depth_m: float = Field(0.10, ge=0, description="hollows that hold less water are left out")
    least_area_m2: float = Field(20.0, ge=0)
    least_volume_m3: float = Field(2.0, ge=0)
    site_list: str | None = Field(None, description="places written down by hand; default: flooding/sites.toml")
    tide_files: tuple[str, ...] = Field((), description="tide predictions")
    tide_datum: str = Field("", description="what tide levels and outfall levels are above")

    @model_validator(mode="after")
    def _one_terrain(self) -> Self:
        if self.dem is not None and self.synthetic_terrain is not None:
            raise ValueError("dem and synthetic_terrain exclude each other: keep the real one")
        return self

    @property
    def synthetic(self) -> bool:
        """Whether the ground is made, or called synthetic by its label."""
        return self.synthetic_terrain is not None or "synthetic" in self.terrain_label.lower()

    @property
    def label(self) -> str:
        """What is shown wherever the terrain is: always something where the ground is made."""
        if self.synthetic_terrain is not None and "synthetic" not in self.terrain_label.lower():
            return f"synthetic terrain; {self.terrain_label}".rstrip("; ")
        return self.terrain_label

    @property
    def list_file(self) -> str:
        """The list of known places: the one named, else the usual one, which need not be there."""
        return self.site_list or _LIST_FILE
