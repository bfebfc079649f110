"""Write the kept documents of lamp states anew (``python tests/formats/rewrite_golden_signals.py``)."""

import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[1])]


def main() -> None:
    """Encode the made state in each format."""
    from test_signals_json import GOLDEN, KEPT

    GOLDEN.mkdir(exist_ok=True, parents=True)
    for name, document in KEPT.items():
        (GOLDEN / name).write_bytes(document())


if __name__ == "__main__":
    main()
