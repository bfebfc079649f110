"""Static fill plus one reservoir: rain comes in, the drain takes what it can, unless the tide stands in its outfall."""

import numpy as np
import numpy.typing as npt

from trafficfeed.flooding.sites import StageVolume

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def fill(
    rain_mmph: Floats,
    drain_mmph: Floats,
    step_s: Floats,
    *,
    blocked: Bools | None = None,
    at_first_mm: Floats | float = 0.0,
) -> Floats:
    """Return the water that is left over the catchment, mm, at the beginning and after each step.

    Parameters
    ----------
    rain_mmph
        ``(..., n_steps)`` mean intensity in each step: members, sites, … ; broadcasts with the others.
    drain_mmph
        ``(...)`` what the drain takes.
    step_s
        ``(n_steps,)``
    blocked
        ``(..., n_steps)`` whether the sea stands in the outfall: nothing drains.
    at_first_mm
        ``(...)`` water left of earlier rain.

    Returns
    -------
    ``(..., n_steps + 1)``. Within a step intensity is constant, so the fill is exact, not integrated in smaller ones.
    """
    hours = np.asarray(step_s) / 3600.0
    takes = np.asarray(drain_mmph)[..., None]
    if blocked is not None:
        takes = np.where(blocked, 0.0, takes)
    gains = (rain_mmph - takes) * hours
    level = np.empty((*gains.shape[:-1], gains.shape[-1] + 1))
    level[..., 0] = at_first_mm
    for step in range(gains.shape[-1]):
        np.maximum(level[..., step] + gains[..., step], 0.0, out=level[..., step + 1])
    return level


def depth_in_bowl(water_mm: Floats, bowl: StageVolume, catchment_m2: float, runoff: float = 0.8) -> Floats:
    """Return the depth above the low point, m, that water over a catchment makes in a bowl; it spills beyond its last.

    `runoff`: the share of rain that comes off streets and roofs; 0.8 for dense towns (Butler & Davies, Urban Drainage,
    3rd ed., table 5.6: 0.7–0.95).
    """
    volume = np.asarray(water_mm) / 1000.0 * catchment_m2 * runoff
    return np.asarray(np.interp(volume, np.asarray(bowl.volume_m3), np.asarray(bowl.depth_m)))


def drain_mmph(drain_m3ps: float, catchment_m2: float, runoff: float = 0.8) -> float:
    """Return a drain's capacity as rain over its catchment, mm/h."""
    return drain_m3ps * 3600.0 * 1000.0 / (catchment_m2 * runoff)
