"""Write the golden files anew (``python tests/formats/rewrite_golden.py``); read the difference before committing."""

import sys
from pathlib import Path

TESTS = Path(__file__).parents[1]
sys.path.insert(0, str(TESTS))


def main() -> None:
    """Encode the made events in each format."""
    from made_events import EVENTS, FEED, PUBLISHED

    from trafficfeed.formats import native, wzdx

    for folder, fmt in (("native", native), ("wzdx", wzdx)):
        path = TESTS / "golden" / folder / fmt.FILE_NAME
        path.write_bytes(fmt.encode(EVENTS, publication_time=PUBLISHED, feed=FEED))


if __name__ == "__main__":
    main()
