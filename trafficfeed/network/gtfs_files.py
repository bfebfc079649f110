"""The text files of a static GTFS, in a zip or a folder, as columns of texts."""

import zipfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path

from trafficfeed.errors import SourceMalformed, SourceUnavailable

Row = Mapping[str, str]

_MAY_LACK = frozenset(
    {"route_short_name", "route_long_name", "direction_id", "shape_id", "arrival_time", "departure_time"}
)


class GtfsFiles:
    """The files of one GTFS.

    Raises
    ------
    SourceUnavailable
        If there is nothing at `path`.
    SourceMalformed
        If it is neither a zip nor a folder.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        if not path.exists():
            raise SourceUnavailable(f"the GTFS {path} is not there: put it there, or take `gtfs` out of city.toml")
        try:
            self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        except (zipfile.BadZipFile, OSError) as error:
            raise SourceMalformed(f"the GTFS {path} is neither a zip nor a folder: {error}") from error

    def table(
        self, name: str, columns: Sequence[str], *, optional: bool = False, among: Collection[str] | None = None
    ) -> dict[str, list[str]]:
        """Return columns of a file as texts, "" where a value, or a column that may lack, is missing.

        Parameters
        ----------
        optional
            An absent file has no rows.
        among
            Only rows whose first column is one of these: a national ``stop_times.txt`` has millions.

        Raises
        ------
        SourceMalformed
            If the file, or a column that every GTFS has, is missing, or it cannot be read as CSV.
        """
        import pyarrow as pa
        import pyarrow.compute as pc
        from pyarrow import csv

        data = self._bytes(name)
        if data is None or not data.strip():
            if optional:
                return {column: [] for column in columns}
            raise SourceMalformed(f"the GTFS {self._path} has no {name}")
        convert = csv.ConvertOptions(
            column_types=dict.fromkeys(columns, pa.string()),
            include_columns=list(columns),
            include_missing_columns=True,
        )
        try:
            parse = csv.ParseOptions(newlines_in_values=True)
            table = csv.read_csv(pa.BufferReader(data), parse_options=parse, convert_options=convert)
        except pa.ArrowException as error:
            raise SourceMalformed(f"{name} of the GTFS {self._path} cannot be read: {error}") from error
        lacking = [c for c in columns if table[c].null_count == len(table) > 0 and c not in _MAY_LACK]
        if lacking:
            raise SourceMalformed(f"{name} of the GTFS {self._path} has no {', '.join(lacking)}")
        if among is not None:
            table = table.filter(pc.is_in(table[columns[0]], value_set=pa.array(list(among), type=pa.string())))
        return {column: [value or "" for value in table[column].to_pylist()] for column in columns}

    def rows(self, name: str, columns: Sequence[str], *, optional: bool = False) -> Iterator[Row]:
        """Yield the rows of a file; as `table`."""
        found = self.table(name, columns, optional=optional)
        return (dict(zip(columns, values, strict=True)) for values in zip(*found.values(), strict=True))

    def _bytes(self, name: str) -> bytes | None:
        if self._zip is None:
            file = self._path / name
            return file.read_bytes() if file.is_file() else None
        inside = next((entry for entry in self._zip.namelist() if entry.rpartition("/")[2] == name), None)
        return None if inside is None else self._zip.read(inside)
