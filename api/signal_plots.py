"""The scorecard as bars in inline SVG: what was right and what was counted down, by horizon and by day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from trafficfeed.signals.accuracy.tally import Figures, Tally

WIDTH: Final = 480
_TOP: Final = 20
_BOTTOM: Final = 124
_LEFT: Final = 54
_MOST_BAR: Final = 40.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One bar, in user units; `share` as text stands on it, `label` beneath; height 0 where nothing was scored."""

    x: float
    width: float
    y: float
    height: float
    share: str
    label: str
    title: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """One plot: bars, the lines of its scale (y, text), and where a target lies (y), None without."""

    title: str
    style: str
    bars: Sequence[Bar]
    grid: Sequence[tuple[float, str]]
    target: float | None = None
    target_text: str = ""


def panels_of(by_horizon: Mapping[str, Figures], by_day: Mapping[date, Tally], target: float) -> list[Panel]:
    """Return four plots: right to a second and counted down, each by the time that was left and by day."""
    days = {_day(day): tally.figures() for day, tally in sorted(by_day.items())}
    horizons = {name.removesuffix(" s"): figures for name, figures in by_horizon.items()}
    return [
        right_panel("Right to a second, by seconds left", horizons, target),
        right_panel("Right to a second, by day", days, target),
        _shown_panel("Counted down, by seconds left", horizons),
        _shown_panel("Counted down, by day", days),
    ]


def right_panel(title: str, figures: Mapping[str, Figures], target: float) -> Panel:
    """Return the plot of what was right to a second; its scale ends at 100 % and begins where the bars need it."""
    shares = {name: one.within_1s for name, one in figures.items()}
    low = min([0.8, *((share or 1.0) - 0.02 for share in shares.values())])
    low = next(step for step in (0.8, 0.5, 0.0) if step <= low)
    titles = {
        name: f"{name}: {_percent(one.within_1s)} right to a second, {_percent(one.within_2s)} to two; "
        f"mean error {'-' if one.mae_s is None else f'{one.mae_s:.1f} s'}"
        for name, one in figures.items()
    }
    return _panel(title, "right", shares, titles, low, target)


def _shown_panel(title: str, figures: Mapping[str, Figures]) -> Panel:
    shares = {name: one.published_share for name, one in figures.items()}
    titles = {
        name: f"{name}: {_percent(one.published_share)} of {one.seconds} s counted down; "
        f"P10 to P90 held {_percent(one.coverage_p10_p90)}"
        for name, one in figures.items()
    }
    return _panel(title, "shown", shares, titles, 0.0, None)


def _panel(
    title: str,
    style: str,
    shares: Mapping[str, float | None],
    titles: Mapping[str, str],
    low: float,
    target: float | None,
) -> Panel:
    def height_of(share: float) -> float:
        return round((share - low) / (1 - low) * (_BOTTOM - _TOP), 1)

    step = (WIDTH - _LEFT) / max(len(shares), 5)
    width = min(0.62 * step, _MOST_BAR)
    bars = []
    for k, (name, share) in enumerate(shares.items()):
        height = 0.0 if share is None else max(height_of(share), 1.0)
        text = "" if share is None else (_percent(share) if step > 42 else f"{share * 100:.0f}")
        x = _LEFT + (k + 0.5) * step
        label = name if step > 30 or k % 2 == len(shares) % 2 else ""
        bars.append(
            Bar(x=round(x, 1), width=round(width, 1), y=_BOTTOM - height, height=height, share=text, label=label,
                title=titles[name])
        )  # fmt: skip
    return Panel(
        title=title,
        style=style,
        bars=bars,
        grid=[(_BOTTOM - height_of(share), _percent(share, 0)) for share in (low, (low + 1) / 2, 1.0)],
        target=None if target is None else _BOTTOM - height_of(target),
        target_text="" if target is None else _percent(target),
    )


def _percent(share: float | None, digits: int = 1) -> str:
    if share is None:
        return "none"
    text = f"{share * 100:.{digits}f}"
    return f"{text.removesuffix('.0')}\u202f%"


def _day(day: date) -> str:
    return f"{day.day}.{day.month}."
