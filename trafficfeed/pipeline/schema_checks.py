"""A document against the official schema of its standard, from a folder of schemas on this machine."""

import json
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from lxml import etree

from trafficfeed.errors import FeedNonConformant, SourceUnavailable
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.json_reading import read_json
from trafficfeed.formats.xml_reading import read_xml

RULE: Final = "schema"
_MOST = 200
_LONGEST = 300

Fault = tuple[str, str]
"""Path into the document, and what the schema says there."""


def schema_findings(name: str, data: bytes, folder: Path) -> tuple[Finding, ...] | None:
    """Return what the official schema finds wrong, at most 200 faults; None where the folder has none for `name`.

    Parameters
    ----------
    name
        Of the standard: wzdx, cifs, datex2, cap (JSON forms of our own and of Waze have no official schema).
    folder
        With ``wzdx/schemas-4.2/*.json`` and ``wzdx/geojson/*.json``, ``cifs/cifsv2.xsd``,
        ``datex2/DATEXII_3_D2Payload.xsd``, ``cap/*.xsd``.

    Raises
    ------
    SourceUnavailable
        If the folder is not there, or a schema in it cannot be read.
    """
    if not folder.is_dir():
        raise SourceUnavailable(f"there is no folder {folder}: give one with the official schemas (docs/rules.md)")
    check = _CHECKS.get(name)
    try:
        faults = check(data, folder) if check else None
    except FeedNonConformant as error:
        return tuple(error.findings)
    except (OSError, etree.XMLSchemaError, etree.XMLSyntaxError, ValueError) as error:
        raise SourceUnavailable(f"the schema of {name} in {folder} cannot be used: {error}") from error
    if faults is None:
        return None
    return tuple(
        Finding(rule=RULE, severity=Severity.ERROR, message=message[:_LONGEST], where=where, mend="see the schema")
        for where, message in faults[:_MOST]
    )


def _wzdx(data: bytes, folder: Path) -> list[Fault] | None:
    if not (folder / "wzdx/schemas-4.2/WorkZoneFeed.json").is_file():
        return None
    from jsonschema.exceptions import best_match

    errors = _wzdx_validator(folder).iter_errors(read_json(data))
    inside = (best_match([error]) or error for error in errors)  # "not valid under any" says nothing
    return [(error.json_path.removeprefix("$."), error.message) for error in inside]


@lru_cache(maxsize=2)
def _wzdx_validator(folder: Path) -> Any:
    from jsonschema import Draft7Validator, FormatChecker
    from referencing import Registry, Resource

    files = [*(folder / "wzdx/schemas-4.2").glob("*.json"), *(folder / "wzdx/geojson").glob("*.json")]
    schemas = {path.name: json.loads(path.read_text("utf-8")) for path in sorted(files)}
    registry: Any = Registry().with_resources((s["$id"], Resource.from_contents(s)) for s in schemas.values())
    return Draft7Validator(schemas["WorkZoneFeed.json"], registry=registry, format_checker=FormatChecker())


def _xsd(*names: str) -> Callable[[bytes, Path], list[Fault] | None]:
    def check(data: bytes, folder: Path) -> list[Fault] | None:
        found = next((path for name in names for path in sorted(folder.glob(name))), None)
        return None if found is None else list(_xsd_faults(data, found))

    return check


def _xsd_faults(data: bytes, path: Path) -> Iterator[Fault]:
    schema = _schema(path)
    for root in _documents(read_xml(data), schema_name=path.parent.name):
        schema.validate(root)
        log: Any = schema.error_log
        for entry in log:
            yield f"line {entry.line}", entry.message


def _documents(root: etree._Element, *, schema_name: str) -> list[etree._Element]:
    """Return what the schema is for: the document, or the alerts that a feed of alerts carries."""
    alerts = list(root.iter("{urn:oasis:names:tc:emergency:cap:1.2}alert")) if schema_name == "cap" else []
    return [etree.fromstring(etree.tostring(alert, with_tail=False)) for alert in alerts] or [root]


@lru_cache(maxsize=4)
def _schema(path: Path) -> etree.XMLSchema:
    return etree.XMLSchema(etree.parse(str(path)))


_CHECKS = MappingProxyType(
    {
        "wzdx": _wzdx,
        "cifs": _xsd("cifs/cifsv2.xsd"),
        "datex2": _xsd("datex2/DATEXII_3_D2Payload.xsd"),
        "cap": _xsd("cap/*.xsd"),
    }
)
