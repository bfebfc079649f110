"""How long work says where it is: a callback of what is being done, how much of it is done, and out of how much."""

from collections.abc import Callable

Progress = Callable[[str, int, int], None]
"""Called as ``progress("simulate pairs", 3, 10)``; a total of 0 means that the end is not known."""


def silent(_what: str, _done: int, _total: int) -> None:
    """Say nothing."""
