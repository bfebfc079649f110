"""Water over a catchment behaves as water does."""

import numpy as np
import numpy.typing as npt
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from trafficfeed.flooding.forecasting.reservoir import depth_in_bowl, drain_mmph, fill
from trafficfeed.flooding.sites import StageVolume

Floats = npt.NDArray[np.float64]
RAIN = arrays(np.float64, (3, 12), elements=st.floats(0, 80))
HOURS = np.full(12, 3600.0)


@given(RAIN, RAIN, st.floats(0, 20))
def test_more_rain_never_leaves_less_water(rain: Floats, more: Floats, drain: float) -> None:
    drains = np.full(3, drain)
    assert np.all(fill(rain + more, drains, HOURS) >= fill(rain, drains, HOURS) - 1e-9)


@given(RAIN, st.floats(0, 20), st.floats(0, 20))
def test_a_larger_drain_never_leaves_more_water(rain: Floats, drain: float, more: float) -> None:
    assert np.all(fill(rain, np.full(3, drain + more), HOURS) <= fill(rain, np.full(3, drain), HOURS) + 1e-9)


def test_without_rain_an_empty_bowl_stays_dry() -> None:
    assert not fill(np.zeros((2, 5)), np.array([0.0, 3.0]), np.full(5, 3600.0)).any()


def test_a_blocked_outfall_drains_nothing() -> None:
    rain, drain = np.array([[10.0, 0.0, 0.0]]), np.array([4.0])
    free = fill(rain, drain, np.full(3, 3600.0))
    blocked = fill(rain, drain, np.full(3, 3600.0), blocked=np.array([[True, True, False]]))
    assert free[0].tolist() == [0.0, 6.0, 2.0, 0.0]
    assert blocked[0].tolist() == [0.0, 10.0, 10.0, 6.0]


def test_steps_may_be_of_any_length() -> None:
    in_one = fill(np.array([12.0]), np.array(2.0), np.array([3600.0]))[-1]
    in_twelve = fill(np.full(12, 12.0), np.array(2.0), np.full(12, 300.0))[-1]
    assert np.isclose(in_one, in_twelve)


def test_a_bowl_fills_by_its_volume_and_spills_beyond_its_rim() -> None:
    bowl = StageVolume(depth_m=(0.0, 0.5), volume_m3=(0.0, 40.0))
    depth = depth_in_bowl(np.array([0.0, 25.0, 50.0, 500.0]), bowl, 1000.0, runoff=0.8)
    assert np.allclose(depth, [0.0, 0.25, 0.5, 0.5])


def test_a_drain_is_told_in_rain_over_its_catchment() -> None:
    assert np.isclose(drain_mmph(0.01, 3600.0, runoff=1.0), 10.0)
