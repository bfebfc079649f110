"""Write the golden files anew (``python tests/formats/rewrite_golden.py``); read the difference before committing."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))


def main() -> None:
    """Encode the made events in each format."""
    from formats.made_rsi import RSI_FEED
    from made_events import EVENTS, FEED, PUBLISHED

    from trafficfeed.formats.standards import STANDARDS

    for standard in STANDARDS.values():
        feed = RSI_FEED if standard.name == "rsi" else FEED  # RSI is refused without a table of event codes
        path = TESTS / "golden" / standard.name / standard.file_name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(standard.encode(EVENTS, publication_time=PUBLISHED, feed=feed))


if __name__ == "__main__":
    main()
