"""How pages put water: no more exact than it is known, and nothing where there is nothing to say."""

from datetime import timedelta

import pytest

from api.flood_wording import centimetres, duration, time_ahead

INF, NAN = float("inf"), float("nan")


@pytest.mark.parametrize(
    ("depth_m", "text"),
    [(None, "not known"), (NAN, "not known"), (0.0, "dry"), (0.004, "dry"), (0.006, "1 cm"), (0.3, "30 cm")],
)
def test_a_depth_is_told_in_centimetres_and_unknown_is_not_dry(depth_m: float | None, text: str) -> None:
    assert centimetres(depth_m) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 min"), (240, "4 min"), (1000, "15 min"), (5200, "85 min"), (5400, "1.5 h"), (7200, "2 h"), (40000, "11 h")],
)
def test_a_time_to_come_is_told_more_roughly_the_further_it_lies(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("told", "text"),
    [
        (None, ""),
        ((INF, INF, INF), ""),
        ((0.0, 0.0, 0.0), ""),
        ((600.0, 1800.0, 3600.0), "15 cm in about 20 min (up to 50 min)"),
        ((1200.0, 1800.0, 3600.0), "15 cm in about 20 min (10 min to 50 min)"),
        ((300.0, 1800.0, 3600.0), "15 cm in about 20 min (up to 50 min)"),
        ((1800.0, 1800.0, 1800.0), "15 cm in about 20 min"),
        ((1800.0, 3600.0, INF), "15 cm in about 50 min (from 20 min on, or not at all)"),
        ((1800.0, INF, INF), "15 cm possible from 20 min on"),
    ],
)
def test_the_time_to_a_flood_is_told_from_now_with_its_doubt(told: tuple[float, ...] | None, text: str) -> None:
    assert time_ahead("15 cm", told, timedelta(minutes=10)) == text
