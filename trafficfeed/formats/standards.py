"""Every standard we publish, by the name that URLs, partners and ``trafficfeed validate`` use."""

from types import MappingProxyType

from trafficfeed.formats import native, wzdx

STANDARDS = MappingProxyType(
    {
        standard.name: standard
        for standard in (
            native.STANDARD,
            wzdx.STANDARD,
        )
    }
)
