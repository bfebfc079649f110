"""Figures without global state: matplotlib's object interface on Agg, imported when first needed."""

import io
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.figure import Figure

INK = "#1b2530"
FAINT = "#5d6b78"
GRID = "#dfe4e8"
WORSE = "#c2501a"
BETTER = "#2166ac"
NEUTRAL = "#8a96a3"


def new_figure(width_in: float, height_in: float) -> "Figure":
    """Return an empty white figure."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width_in, height_in), facecolor="white")
    FigureCanvasAgg(figure)
    return figure


def style(axes: Any) -> None:
    """Draw axes quietly: no box, light grid, grey ticks."""
    for side in ("top", "right", "left"):
        axes.spines[side].set_visible(False)
    axes.spines["bottom"].set_color(NEUTRAL)
    axes.tick_params(colors=FAINT, labelsize=9, length=0)
    axes.set_axisbelow(True)


def png(figure: "Figure", *, dpi: int = 200) -> bytes:
    """Return the figure as PNG, the same bytes every time."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    return buffer.getvalue()


def svg(figure: "Figure") -> bytes:
    """Return the figure as SVG with text as paths, the same bytes every time."""
    from matplotlib import rc_context

    buffer = io.BytesIO()
    with rc_context({"svg.hashsalt": "trafficfeed", "svg.fonttype": "path"}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None})
    return buffer.getvalue()
