"""When a street will be below a depth for good, read off the paths that its water may take."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]


def clear_times(after_s: Floats, paths_m: Floats, limit_m: float) -> Floats:
    """Return when each path is below a depth for good, s.

    Parameters
    ----------
    after_s
        ``(n_steps,)`` rising, from 0 (now).
    paths_m
        ``(..., n_steps)`` depth at these.

    Returns
    -------
    ``(...)`` 0 where it never reaches the depth, inf where it still does at the last step; in between by the line from
    the last step at the depth to the one after it.
    """
    above = paths_m >= limit_m
    n_steps = len(after_s)
    last = n_steps - 1 - np.argmax(above[..., ::-1], axis=-1)
    following = np.minimum(last + 1, n_steps - 1)
    high = np.take_along_axis(paths_m, last[..., None], axis=-1)[..., 0]
    low = np.take_along_axis(paths_m, following[..., None], axis=-1)[..., 0]
    share = (high - limit_m) / np.maximum(high - low, 1e-9)
    crossed = after_s[last] + np.clip(share, 0.0, 1.0) * (after_s[following] - after_s[last])
    crossed = np.where(last == n_steps - 1, np.inf, crossed)
    return np.where(above.any(axis=-1), crossed, 0.0)


def flood_times(after_s: Floats, paths_m: Floats, limit_m: float) -> Floats:
    """Return when each path first reaches a depth, s; inf where it does not. Shapes as in `clear_times`."""
    above = paths_m >= limit_m
    first = np.argmax(above, axis=-1)
    before = np.maximum(first - 1, 0)
    high = np.take_along_axis(paths_m, first[..., None], axis=-1)[..., 0]
    low = np.take_along_axis(paths_m, before[..., None], axis=-1)[..., 0]
    share = (limit_m - low) / np.maximum(high - low, 1e-9)
    reached = after_s[before] + np.clip(share, 0.0, 1.0) * (after_s[first] - after_s[before])
    return np.where(above.any(axis=-1), np.where(first == 0, 0.0, reached), np.inf)
