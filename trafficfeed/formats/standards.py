"""Every standard we publish, by the name that URLs, partners and ``trafficfeed validate`` use."""

from types import MappingProxyType

from trafficfeed.formats import cap, china_rsi, cifs, cifs_json, datex2, gtfs_rt, impact, native, wzdx

STANDARDS = MappingProxyType(
    {
        standard.name: standard
        for standard in (
            native.STANDARD,
            china_rsi.STANDARD,
            wzdx.STANDARD,
            datex2.STANDARD,
            cap.STANDARD,
            gtfs_rt.STANDARD,
            impact.STANDARD,
            cifs.STANDARD,
            cifs_json.STANDARD,
        )
    }
)
