"""Every rule, in the order in which a document is held against them."""

from types import MappingProxyType

from trafficfeed.formats.rules import (
    cap,
    cifs,
    datex2,
    geometry,
    history,
    identity,
    lanes,
    proof,
    times,
    travel,
    water,
    wzdx,
)
from trafficfeed.formats.rules.rule import Rule

SHAPE = "feed.document.shape"
"""The one finding that is no rule: the bytes are not a document of their standard at all."""

RULES: tuple[Rule, ...] = (
    *identity.RULES, *times.RULES, *geometry.RULES, *travel.RULES, *lanes.RULES, *history.RULES,
    *proof.RULES, *water.RULES, *wzdx.RULES, *cifs.RULES, *datex2.RULES, *cap.RULES,
)  # fmt: skip
BY_ID = MappingProxyType({rule.id: rule for rule in RULES})


def as_table() -> str:
    """Return the catalogue as a table in Markdown, for docs/rules.md."""
    lines = ["| rule | demands | for | weight | what to do | source |", "|---|---|---|---|---|---|"]
    for rule in RULES:
        cells = (
            f"`{rule.id}`",
            rule.demand,
            ", ".join(rule.standards) or "all",
            rule.severity.value,
            rule.mend,
            rule.source,
        )
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)
