"""The examples in the OpenAPI document; a test holds each against its schema."""

from typing import Any

from trafficfeed.closures.document import order_schema

_ORDER_ID = "2026-0412-water-main"
_HASH = "06ad7ef7bed6b00a4ad044d14a3c3d0ff5ec690ac28ae42b4fbe75d34d6f6187"

FINDING: dict[str, Any] = {
    "rule": "isolation",
    "severity": "warning",
    "message": "Kirkkokatu 12 can be left but not reached by car for 11 h",
    "where": "measures[0].where[0]",
    "mend": "let residents through, or leave one end open",
    "detail": {},
}
CHECK: dict[str, Any] = {"passed": True, "findings": [FINDING], "checked_at": "2026-12-04T09:01:00Z"}
CERTIFICATE_LINK: dict[str, Any] = {
    "id": "0f3a9c21d4e85b7706aa",
    "verdict": "publish",
    "issued": "2026-12-04T09:05:12Z",
    "href": "/v1/certificates/0f3a9c21d4e85b7706aa",
    "report": "/v1/certificates/0f3a9c21d4e85b7706aa/report",
}
ORDER_SUMMARY: dict[str, Any] = {
    "id": _ORDER_ID,
    "state": "published",
    "version": 2,
    "latest_version": 2,
    "published_version": 2,
    "revision": 7,
    "title": {"en": "Water main renewal"},
    "author": "ann",
    "created": "2026-12-04T09:00:00Z",
    "updated": "2026-12-04T09:06:00Z",
    "submitted_at": "2026-12-04T09:02:00Z",
    "pre_approved_by": None,
    "approved_by": "ann",
    "finished_at": None,
    "href": f"/v1/orders/{_ORDER_ID}",
}
ORDER: dict[str, Any] = {
    **ORDER_SUMMARY,
    "order": order_schema()["examples"][0],
    "check": CHECK,
    "certificate": CERTIFICATE_LINK,
}
ORDER_LIST: dict[str, Any] = {"orders": [ORDER_SUMMARY], "next": "/v1/orders?limit=1&offset=1"}
VERSION_LIST: dict[str, Any] = {"versions": [ORDER]}
AUDIT_TRAIL: dict[str, Any] = {
    "entries": [
        {
            "id": 12,
            "at": "2026-12-04T09:06:00Z",
            "actor": "ann",
            "action": "approve",
            "version": 2,
            "from_state": "simulated",
            "to_state": "approved",
            "detail": {"certificate": "0f3a9c21d4e85b7706aa", "verdict": "publish"},
        }
    ]
}
PROBLEM: dict[str, Any] = {
    "type": "urn:trafficfeed:problem:order-invalid",
    "title": "Unprocessable Content",
    "status": 422,
    "detail": "request body: measures[0].rule: unknown kind 'closed'; use one of these kinds",
    "instance": "/v1/orders",
    "findings": [
        {
            "rule": "order.field.union_tag_invalid",
            "severity": "error",
            "message": "unknown kind 'closed'",
            "where": "measures[0].rule",
            "mend": "use one of these kinds: closure, lanes_closed, vehicles",
            "detail": {},
        }
    ],
}
FEED: dict[str, Any] = {
    "format": "wzdx",
    "title": "WZDx 4.2: works and detours",
    "href": "https://closures.example/v1/feeds/closures/wzdx",
    "media_type": "application/geo+json",
    "etag": 'W/"15b2a1d1af404359dedba1570a4dd5f4"',
    "size_bytes": 20480,
    "gzip_bytes": 3120,
}
FEED_LIST: dict[str, Any] = {
    "city": "helsinki",
    "title": "Helsinki",
    "release": 42,
    "version": _HASH,
    "published_at": "2026-12-04T09:06:01Z",
    "checked_at": "2026-12-04T09:10:00Z",
    "age_s": 264.2,
    "stale": False,
    "datum": "wgs84",
    "licence": "ODbL-1.0",
    "attribution": "© OpenStreetMap contributors",
    "feeds": [FEED],
}
READINESS: dict[str, Any] = {
    "status": "ready",
    "missing": [],
    "warnings": [],
    "release": 42,
    "version": _HASH,
    "published_at": "2026-12-04T09:06:01Z",
    "release_age_s": 264.2,
    "checked_at": "2026-12-04T09:10:00Z",
    "check_age_s": 25.2,
}
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Order",
    "type": "object",
    "required": ["id", "city", "authority", "legal_basis", "reason", "contact", "title", "timezone", "measures"],
}
CERTIFICATE: dict[str, Any] = {
    "id": "0f3a9c21d4e85b7706aa",
    "verdict": "publish",
    "tier": "meso",
    "reasons": [
        {
            "gate": "delay of all vehicles",
            "passed": True,
            "decided": True,
            "measured": "+1.2 s (0.4 to 2.0)",
            "threshold": "20 s",
        }
    ],
    "inputs": {"network_hash": _HASH, "sumo": "1.28.0"},
    "metrics": {"delay_s": {"mean": 1.2, "low": 0.4, "high": 2.0, "pairs": 5}},
    "accounting": {"base": {"arrived": 5000}, "plan": {"arrived": 5000}},
    "streets": [],
    "issued": "2026-12-04T09:05:12Z",
    "links": {
        "order": f"/closures/{_ORDER_ID}",
        "report": "/v1/certificates/0f3a9c21d4e85b7706aa/report",
    },
}
