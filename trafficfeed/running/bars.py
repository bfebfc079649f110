"""Progress for a person: bars in a terminal, a line a stage elsewhere; on standard error, so output can be piped."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from trafficfeed.progress import Progress as Callback


@contextmanager
def bars() -> Iterator[Callback]:
    """Yield a progress callback that shows each stage as a bar, or as lines where there is no terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(console)
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as shown:
        yield _Bars(shown)


class _Bars:
    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._stages: dict[str, TaskID] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        if what not in self._stages:
            self._stages[what] = self._shown.add_task(what, total=total or None)
        self._shown.update(self._stages[what], completed=done, total=total or None)


class _Lines:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._said: dict[str, int] = {}

    def __call__(self, what: str, done: int, total: int) -> None:
        quarter = 4 * done // total if total else 0
        if self._said.get(what) != quarter:
            self._said[what] = quarter
            self._console.print(f"{what}: {done} of {total}" if total else what, highlight=False)
