"""A half-open span of time, aware and in UTC."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Window:
    """The half-open interval ``[start, end)``, both aware; stored in UTC.

    `end` is never None: an open-ended order carries its estimate here and says so beside it (`end_is_estimate`).

    Raises
    ------
    ValueError
        If a bound is naive, or ``end <= start``.
    """

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise ValueError(f"a window needs aware times, got {self.start.isoformat()} and {self.end.isoformat()}")
        object.__setattr__(self, "start", self.start.astimezone(UTC))
        object.__setattr__(self, "end", self.end.astimezone(UTC))
        if self.end <= self.start:
            raise ValueError(
                f"a window must end after it starts, got {self.start.isoformat()} to {self.end.isoformat()}"
            )

    @property
    def length(self) -> timedelta:
        """The length of the window."""
        return self.end - self.start

    def contains(self, instant: datetime) -> bool:
        """Tell whether `instant` (aware) lies in the window."""
        return self.start <= instant < self.end

    def overlaps(self, other: "Window") -> bool:
        """Tell whether the two windows share any instant."""
        return self.start < other.end and other.start < self.end
