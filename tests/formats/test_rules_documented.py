"""docs/rules.md and the code say the same: every rule is listed, with its source, and what mends it."""

import re
from pathlib import Path

import pytest
from rewrite_rules import BEGIN, END, PAGE

from trafficfeed.formats.rules.catalogue import RULES, SHAPE, as_table
from trafficfeed.formats.rules.rule import Rule
from trafficfeed.formats.standards import STANDARDS

ROOT = Path(__file__).parents[2]


def test_the_list_of_rules_is_that_of_the_code() -> None:
    listed = PAGE.read_text("utf-8").partition(BEGIN)[2].partition(END)[0].strip()
    assert listed == as_table(), "write it anew: python tests/formats/rewrite_rules.py"
    assert SHAPE in PAGE.read_text("utf-8")


def test_every_rule_that_the_code_writes_is_in_the_catalogue() -> None:
    written = {
        name
        for path in (ROOT / "trafficfeed/formats/rules").glob("*.py")
        for name in re.findall(r'@rule\(\s*"([^"]+)"', path.read_text("utf-8"))
    }
    assert {f"feed.{name}" for name in written} == {rule.id for rule in RULES}
    assert len({rule.id for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_rule_says_what_it_demands_where_that_stands_and_what_to_do(rule: Rule) -> None:
    assert rule.demand
    assert rule.source
    assert rule.mend
    assert set(rule.standards) <= set(STANDARDS)


def test_no_mutant_in_the_page_went_uncaught() -> None:
    page = PAGE.read_text("utf-8")
    table = page.partition("<!-- mutants -->")[2].partition("<!-- /mutants -->")[0]
    assert table.count("\n| ") >= 10
    assert "not caught" not in table
