"""The nowcast's parameters as a JSON object: tables packed, in millimetres and in hundredths."""

import base64
import zlib
from collections.abc import Mapping
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from trafficfeed.errors import SourceMalformed
from trafficfeed.flooding.forecasting.nowcast import NowcastParameters
from trafficfeed.flooding.forecasting.nowcast_analogues import AFTER_S, Analogues
from trafficfeed.flooding.forecasting.recession import Recession

Floats = npt.NDArray[np.float64]

VERSION: Final = 1


def to_json(parameters: NowcastParameters) -> dict[str, Any]:
    """Return the parameters as JSON can hold them; `from_json` gives them back to the millimetre."""
    return {
        "version": VERSION,
        "after_s": AFTER_S.tolist(),
        "sites": list(parameters.sites),
        "recession": {
            "pooled_per_s": parameters.recession.pooled_per_s,
            "per_s": {site: float(f"{rate:.4g}") for site, rate in sorted(parameters.recession.per_s.items())},
        },
        "rain": _analogues_to_json(parameters.rain),
        "tidal": _analogues_to_json(parameters.tidal),
    }


def from_json(document: Mapping[str, Any]) -> NowcastParameters:
    """Return the parameters of a document.

    Raises
    ------
    SourceMalformed
        Of another version, with other steps, or not such a document.
    """
    if document.get("version") != VERSION or document.get("after_s") != AFTER_S.tolist():
        raise SourceMalformed("The nowcast's parameters are of another version; fit them again.")
    try:
        return NowcastParameters(
            sites=tuple(document["sites"]),
            rain=_analogues(document["rain"]),
            tidal=_analogues(document["tidal"]),
            recession=Recession(
                pooled_per_s=float(document["recession"]["pooled_per_s"]),
                per_s={site: float(rate) for site, rate in document["recession"]["per_s"].items()},
            ),
        )
    except (KeyError, TypeError, ValueError, zlib.error) as error:
        raise SourceMalformed(f"The nowcast's parameters cannot be read ({error}); fit them again.") from error


def _analogues_to_json(past: Analogues) -> dict[str, Any]:
    return {
        "n": len(past.state),
        "state": _packed(past.state * 100.0),
        "site": _packed(past.site),
        "flood": _packed(past.flood),
        "depth_mm": _packed(past.depth_m * 1000.0),
        "narrow": np.round(past.narrow, 3).tolist(),
        "wide": np.round(past.wide, 3).tolist(),
    }


def _analogues(document: Mapping[str, Any]) -> Analogues:
    n = int(document["n"])
    whole = _unpacked(document["state"])
    return Analogues(
        state=whole.reshape(n, -1) / 100.0 if n else np.empty((0, 0)),
        site=_unpacked(document["site"]).astype(np.int64),
        flood=_unpacked(document["flood"]).astype(np.int64),
        depth_m=_unpacked(document["depth_mm"]).reshape(n, len(AFTER_S)) / 1000.0,
        narrow=np.array(document["narrow"], dtype=np.float64),
        wide=np.array(document["wide"], dtype=np.float64),
    )


def _packed(table: npt.NDArray[Any]) -> str:
    """Return whole numbers as compressed bytes in letters."""
    numbers = np.rint(np.asarray(table, dtype=np.float64)).astype("<i4")
    if numbers.size == 0:
        return ""
    return base64.b64encode(zlib.compress(numbers.tobytes(), 9)).decode()


def _unpacked(text: str) -> Floats:
    if not text:
        return np.empty(0)
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), dtype="<i4").astype(np.float64)
