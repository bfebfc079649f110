"""One door to all adapters: a payload in, what its source declares it to be out."""

from trafficfeed.flooding.ingest.csv_rows import csv_rows
from trafficfeed.flooding.ingest.json_rows import json_rows
from trafficfeed.flooding.ingest.levels import to_readings
from trafficfeed.flooding.ingest.open_meteo import read_open_meteo
from trafficfeed.flooding.ingest.parsed import Parsed, Payload, told
from trafficfeed.flooding.ingest.rain_gauges import to_rain
from trafficfeed.flooding.ingest.reports import read_reports
from trafficfeed.flooding.ingest.sensorthings import sensorthings_rows
from trafficfeed.flooding.ingest.tides import read_tide_csv, read_tide_json

_ROWS = {"csv": csv_rows, "json": json_rows, "sensorthings": sensorthings_rows}


def read_payload(payload: Payload, *, by_police: bool = False) -> Parsed:
    """Return what a payload holds; a row that cannot be used is a finding, and the others stand.

    Parameters
    ----------
    payload
        Bytes with their source.
    by_police
        Whether an officer sent it: reports then count as a good reading.

    Raises
    ------
    SourceMalformed
        If it cannot be read at all as what the source declares.
    """
    source = payload.source
    if not payload.data.strip():
        return Parsed(findings=[told("payload.empty", payload.topic or source.id, "there is nothing in it")])
    if source.kind == "reports":
        return read_reports(payload, by_police=by_police or source.by_police)
    if source.kind == "tide":
        return read_tide_csv(payload) if source.adapter == "csv" else read_tide_json(payload)
    if source.kind == "forecast":
        if source.adapter == "open-meteo":
            return read_open_meteo(payload)
        from trafficfeed.flooding.ingest.gridded import read_grid

        return read_grid(payload)
    rows, findings = _ROWS[source.adapter](payload)
    column = "" if source.adapter == "sensorthings" else source.columns.value
    to_facts = to_readings if source.kind == "levels" else to_rain
    return to_facts(payload, rows, column=column, findings=findings)
