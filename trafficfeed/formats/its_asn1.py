"""ETSI's and SAE's signal messages as UPER, by pycrate's compiled module ITS_IS, which is loaded when first used.

Source: ETSI TS 103 301 V1 (SPATEM, MAPEM), ISO TS 19091 and SAE J2735 (module DSRC).
"""

from functools import lru_cache
from threading import Lock
from typing import Any, Final, Literal

from trafficfeed.errors import FeedNonConformant, SourceMalformed

Message = Literal["SPATEM", "MAPEM", "SPAT", "MapData"]

MOST_BYTES: Final = 65_536  # no message on the air is larger
_ONE_AT_A_TIME = Lock()  # pycrate's objects hold the value that they are working on


def encode(message: Message, value: Any) -> bytes:
    """Return `value`, as pycrate takes it, as UPER.

    Raises
    ------
    FeedNonConformant
        If the value breaks the message's ASN.1.
    """
    kind, errors = _kind(message)
    with _ONE_AT_A_TIME:
        try:
            kind.set_val(value)
            return bytes(kind.to_uper())
        except errors as error:
            raise FeedNonConformant(f"{message} cannot be encoded: {error}; correct what it is made of") from error
        finally:
            kind.reset_val()


def decode(message: Message, data: bytes) -> Any:
    """Return the value of a UPER message, as pycrate gives it.

    Raises
    ------
    SourceMalformed
        If `data` is cut short, has something behind it, or is not UPER of `message`.
    """
    if not 0 < len(data) <= MOST_BYTES:
        raise SourceMalformed(f"a {message} has 1 to {MOST_BYTES} bytes, not {len(data)}: send one message at a time")
    from pycrate_core.charpy import Charpy

    kind, errors = _kind(message)
    bits = Charpy(data)
    with _ONE_AT_A_TIME:
        try:
            kind.from_uper(bits)
            value = kind.get_val()
        except errors as error:
            raise SourceMalformed(
                f"{len(data)} bytes are not a whole {message} in UPER ({type(error).__name__}: {error}): "
                "check that nothing was cut off and that headers were taken away"
            ) from error
        finally:
            kind.reset_val()
    if (left := bits.len_byte()) > 0:
        raise SourceMalformed(f"{left} of {len(data)} bytes stand behind the {message}: send one message at a time")
    return value


@lru_cache
def _kind(message: Message) -> tuple[Any, tuple[type[Exception], ...]]:
    from pycrate_asn1dir import ITS_IS
    from pycrate_asn1rt.err import ASN1Err
    from pycrate_core.charpy import CharpyErr
    from pycrate_core.elt import EltErr

    kinds = {
        "SPATEM": ITS_IS.SPATEM_PDU_Descriptions.SPATEM,
        "MAPEM": ITS_IS.MAPEM_PDU_Descriptions.MAPEM,
        "SPAT": ITS_IS.DSRC.SPAT,
        "MapData": ITS_IS.DSRC.MapData,
    }
    # besides its own errors, pycrate lets those of Python through on values and bits that are nothing it expects
    errors = (ASN1Err, CharpyErr, EltErr, ArithmeticError, LookupError, MemoryError, RecursionError)
    return kinds[message], (*errors, AssertionError, AttributeError, TypeError, ValueError)
