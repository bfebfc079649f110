"""Bytes of an order file to plain lists and dicts: YAML or JSON, without the traps of either.

YAML is read by the 1.2 core rules: ``no`` and ``2026-12-05`` stay text, ``12:30`` is not 750, a key may not occur
twice, and anchors and aliases are refused (a few lines of them fill any memory).
"""

import json
import math
import re
from collections.abc import Iterator
from typing import Any, NoReturn

import yaml

from trafficfeed.errors import OrderInvalid
from trafficfeed.findings import Finding, Severity

LARGEST_BYTES = 1_000_000
_DEEPEST = 40
_BASE_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _StrictLoader(_BASE_LOADER):  # type: ignore[misc]
    """Safe loader of YAML 1.2's core scalars that refuses duplicate keys."""

    yaml_implicit_resolvers: dict[str, Any] = {}  # noqa: RUF012 - PyYAML's own way


for _tag, _pattern, _first in (
    ("tag:yaml.org,2002:null", r"^(?:~|null|Null|NULL|)$", ["~", "n", "N", ""]),
    ("tag:yaml.org,2002:bool", r"^(?:true|True|TRUE|false|False|FALSE)$", list("tTfF")),
    ("tag:yaml.org,2002:int", r"^[-+]?[0-9]+$", list("-+0123456789")),
    ("tag:yaml.org,2002:float", r"^[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?$", list("-+.0123456789")),
    ("tag:yaml.org,2002:float", r"^(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))$", list("-+.")),
):
    _StrictLoader.add_implicit_resolver(_tag, re.compile(_pattern), _first)


def _construct_int(loader: Any, node: yaml.ScalarNode) -> int:
    return int(loader.construct_scalar(node))  # decimal: 0123 is 123, as in YAML 1.2


def _construct_map(loader: Any, node: yaml.MappingNode) -> dict[Any, Any]:
    mapping: dict[Any, Any] = {}
    for key_node, value_node in node.value:
        key = loader.construct_object(key_node, deep=True)
        if not isinstance(key, str):
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} is not text: put it in quotes", key_node.start_mark
            )
        if key in mapping:
            raise yaml.constructor.ConstructorError(
                None, None, f"the key {key!r} occurs twice: keep one of the two", key_node.start_mark
            )
        mapping[key] = loader.construct_object(value_node, deep=True)
    return mapping


_StrictLoader.add_constructor("tag:yaml.org,2002:int", _construct_int)
_StrictLoader.add_constructor("tag:yaml.org,2002:map", _construct_map)


def read_tree(data: bytes | str, *, name: str) -> dict[str, Any]:
    """Read `data` (YAML or JSON, UTF-8, at most 1 MB) into plain Python values.

    Parameters
    ----------
    data
        The document.
    name
        What to call it in messages: a file name, "request body".

    Raises
    ------
    OrderInvalid
        If it is too large, not UTF-8, not YAML or JSON, repeats a key, uses aliases, nests deeper than 40, holds
        NaN, infinity or control characters, or is not a mapping.

    Source: YAML 1.2.2, 10.3 (core schema); RFC 8259.
    """
    text = _decoded(data, name)
    tree = _parsed(text, name)
    if not isinstance(tree, dict):
        kind = "empty" if tree is None else f"a {type(tree).__name__}"
        _refuse(name, "document.shape", f"the document is {kind}, not a mapping", "", "begin with `id: …`")
    faults = [finding for finding in _value_faults(tree, "") if finding is not None]
    if faults:
        raise OrderInvalid(f"{name}: {faults[0].message} at {faults[0].where}", faults)
    return tree


def _refuse(name: str, rule: str, message: str, where: str, mend: str) -> NoReturn:
    finding = Finding(rule=rule, severity=Severity.ERROR, message=message, where=where, mend=mend)
    raise OrderInvalid(f"{name}: {message}; {mend}", [finding]) from None


def _decoded(data: bytes | str, name: str) -> str:
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > LARGEST_BYTES:
        _refuse(
            name,
            "document.size",
            f"{size:,} bytes are more than the {LARGEST_BYTES:,} allowed",
            "",
            "split it into several orders",
        )
    if isinstance(data, str):
        return data.removeprefix("\ufeff")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        _refuse(name, "document.encoding", f"byte {error.start} is not UTF-8", "", "save the file as UTF-8")


def _parsed(text: str, name: str) -> Any:
    if text.lstrip().startswith(("{", "[")):
        try:
            return json.loads(text, object_pairs_hook=_unique_pairs, parse_constant=_no_constant)
        except json.JSONDecodeError as error:
            if name.endswith(".json") or "\t" in text:
                where = f"line {error.lineno}, column {error.colno}"
                _refuse(name, "document.syntax", f"not JSON: {error.msg}", where, "mend the syntax there")
        except RecursionError:
            _refuse(name, "document.depth", "the document nests too deeply", "", "write it flat")
        except ValueError as error:
            _refuse(name, "document.syntax", str(error), "", "mend the syntax")
    try:
        _survey(text, name)
        return yaml.load(text, Loader=_StrictLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = f"line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        _refuse(name, "document.syntax", f"not YAML: {error.problem}", where, "mend the syntax there")
    except (yaml.YAMLError, ValueError, UnicodeError) as error:
        first_line = str(error).strip().split("\n")[0]
        _refuse(name, "document.syntax", f"not YAML: {first_line}", "", "mend the syntax there")


def _survey(text: str, name: str) -> None:
    """Refuse aliases and deep nesting by the events alone, before anything is built of them."""
    depth = 0
    for event in yaml.parse(text, Loader=_BASE_LOADER):
        where = f"line {event.start_mark.line + 1}" if event.start_mark else ""
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            _refuse(name, "document.alias", "anchors and aliases are not taken", where, "write the value out")
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            _refuse(name, "document.depth", f"nests deeper than {_DEEPEST}", where, "write it flat")


def _unique_pairs(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    mapping = dict(pairs)
    if len(mapping) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise ValueError(f"the key {twice!r} occurs twice: keep one of the two")
    return mapping


def _no_constant(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number that JSON has")


def _value_faults(value: Any, path: str, depth: int = 0) -> Iterator[Finding]:
    if depth > _DEEPEST:
        yield _value_finding("document.depth", path, f"nests deeper than {_DEEPEST}", "write it flat")
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield from _value_faults(key, f"{path} key")
            yield from _value_faults(inner, f"{path}.{key}" if path else key, depth + 1)
    elif isinstance(value, list):
        for position, inner in enumerate(value):
            yield from _value_faults(inner, f"{path}[{position}]", depth + 1)
    elif isinstance(value, str):
        if not value.isprintable() and re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]", value):
            yield _value_finding("document.text", path, "holds a control character or half a character", "retype it")
    elif isinstance(value, float) and not math.isfinite(value):
        yield _value_finding("document.number", path, f"{value} is not a finite number", "give a number")
    elif not isinstance(value, bool | int | float | None):
        yield _value_finding("document.type", path, f"a {type(value).__name__} is not taken here", "write plain text")


def _value_finding(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=rule, severity=Severity.ERROR, message=message, where=where, mend=mend)
