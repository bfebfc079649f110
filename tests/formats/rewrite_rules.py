"""Write the list of rules in docs/rules.md anew (``python tests/formats/rewrite_rules.py``)."""

from pathlib import Path

from trafficfeed.formats.rules.catalogue import as_table

PAGE = Path(__file__).parents[2] / "docs/rules.md"
BEGIN, END = "<!-- rules -->", "<!-- /rules -->"


def main() -> None:
    """Put the table between its marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    PAGE.write_text(f"{before}{BEGIN}\n{as_table()}\n{END}{rest.partition(END)[2]}", "utf-8")


if __name__ == "__main__":
    main()
