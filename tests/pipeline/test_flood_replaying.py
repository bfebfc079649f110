"""A replay as a person asks for it: an installation of its own, a scorecard, a picture; nothing else moves."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from made_floods import flooded_town

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.pipeline.flood_replaying import ReplayOptions, replay_city
from trafficfeed.settings import Settings


@pytest.fixture
def flooded(cities: Path, configured: Settings, tmp_path: Path) -> Settings:
    return configured.model_copy(update={"cities_dir": flooded_town(cities, tmp_path / "flooded")})


def test_a_made_storm_ends_in_a_scorecard_and_a_picture_and_leaves_the_city_alone(
    flooded: Settings, tmp_path: Path
) -> None:
    before = sorted(path.name for path in flooded.state_dir.iterdir())
    said: list[str] = []
    told = replay_city(
        flooded,
        "gridtown",
        ReplayOptions(hours=1.0),
        out=tmp_path / "storm",
        progress=lambda what, _done, _all: said.append(what),
    )
    card = json.loads((tmp_path / "storm" / "scorecard.json").read_text("utf-8"))
    assert card["clears_above_15cm"] == 0
    assert (tmp_path / "storm" / "storm.png").stat().st_size > 10_000
    assert "Synthetic" in told
    assert "0 cleared above 15 cm" in told
    assert "play the storm" in said
    assert sorted(path.name for path in flooded.state_dir.iterdir()) == before


def test_what_was_never_recorded_cannot_be_replayed(flooded: Settings, tmp_path: Path) -> None:
    span = (datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 1, 3, tzinfo=UTC))
    with pytest.raises(ScenarioInvalid, match="recorded nothing"):
        replay_city(flooded, "gridtown", ReplayOptions(span=span), out=tmp_path / "storm")
