"""What the runner tells: one line a step with its time, a spinner on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape

Note = Callable[[str], None]
_QUIET_S = 5.0  # without a terminal: least time between two remarks of a step


class Teller:
    """Tells the steps of a start on `console`."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = console or Console(highlight=False, soft_wrap=True)

    @contextmanager
    def step(self, title: str) -> Iterator[Note]:
        """Tell one step: its title while it runs, its time when it is done; the yielded function adds a remark."""
        started = told = time.monotonic()
        remark = ""
        if not self.console.is_terminal:
            self.say(f"… {title}")

        with self.console.status(escape(title)) as status:

            def note(text: str) -> None:
                nonlocal remark, told
                if text and text != remark and not self.console.is_terminal and time.monotonic() > told + _QUIET_S:
                    told = time.monotonic()
                    self.say(f"  {title}: {text}")
                remark = text
                status.update(escape(f"{title}: {text}"))

            try:
                yield note
            except BaseException:
                self.say(f"✗ {title}  {time.monotonic() - started:.1f} s  {remark}".rstrip(), style="red")
                raise
        self.say(f"✓ {title}  {time.monotonic() - started:.1f} s  {remark}".rstrip(), style="green")

    def say(self, text: str, *, style: str | None = None) -> None:
        """Tell one line; nothing in it is taken for markup."""
        self.console.print(text, style=style, markup=False)
