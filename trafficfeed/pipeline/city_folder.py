"""A city's folder: `city.toml` and README written, and the new parts put in place of the old in one go."""

import fcntl
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import CityFile
from trafficfeed.network.import_report import ImportReport

BUILDING = ".building"  # beside the cities; what is made there is moved, never copied
_READY = "ready"  # in the staging folder once everything is made: a killed swap is finished by the next build
_PARTS = ("network", "demand", "graph", "city.toml", "README.md", "import_report.json")
_MADE_BY = "<!-- made by `trafficfeed city build`: take this line out to keep your own text -->"


@contextmanager
def staging(cities_dir: Path, name: str) -> Iterator[Path]:
    """Give an empty folder to build city `name` in, to nobody else at the same time.

    Raises
    ------
    ScenarioInvalid
        If another process is building the city.
    """
    workshop = cities_dir / BUILDING
    workshop.mkdir(parents=True, exist_ok=True)
    with (workshop / f"{name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise ScenarioInvalid(f"city {name!r} is being built by another process: wait for it") from error
        folder = workshop / name
        if (folder / _READY).exists():
            _move_parts(folder, cities_dir / name)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)


def put_in_place(built: Path, folder: Path) -> None:
    """Move the parts of a finished build into the city's folder; the rest of that folder (orders) is left alone."""
    readme = folder / "README.md"
    if readme.is_file() and not readme.read_text("utf-8").startswith(_MADE_BY):
        (built / "README.md").unlink(missing_ok=True)
    (built / _READY).touch()
    _move_parts(built, folder)


def _move_parts(built: Path, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    old = built / "old"
    old.mkdir(exist_ok=True)
    for part in _PARTS:
        if (built / part).exists():
            if (folder / part).exists():
                shutil.rmtree(old / part, ignore_errors=True)
                (folder / part).rename(old / part)
            (built / part).rename(folder / part)
    (built / _READY).unlink()


def write_city_file(file: CityFile, folder: Path) -> None:
    """Write `folder/city.toml`, with a comment to each section."""
    network, demand, meso = file.network, file.demand, file.meso
    top = file.model_dump(exclude={"network", "demand", "meso", "flooding"})
    sections = [
        "# A city as trafficfeed knows it, made by `trafficfeed city build`; a build from other inputs writes it anew.",
        "# Every field is explained in trafficfeed/network/city.py.",
        *_lines(top),
        "",
        "# where the network is, and how it lies on the earth (located = false: at a synthetic place)",
        "[network]",
        *_lines(network.model_dump()),
        "",
        "# the traffic it is simulated with; replace the files with your own routes, paths are relative to this folder",
        "[demand]",
        *_lines(demand.model_dump()),
        "",
        "# junction penalties of the mesoscopic model, fitted once per network against micro",
        "[meso]",
        *_lines(meso.model_dump()),
    ]
    if file.flooding is not None:
        sections += ["", "# terrain, known places and tides (docs/flooding.md)", "[flooding]"]
        sections += _lines(file.flooding.model_dump(exclude_defaults=True))
    (folder / "city.toml").write_text("\n".join(sections) + "\n", "utf-8")


def write_readme(file: CityFile, report: ImportReport, folder: Path) -> None:
    """Write the city's README: source, licence, what is in it, what was repaired or left out."""
    counts = [f"| {name.replace('_', ' ')} | {count:,} |" for name, count in report.counts.items()]
    shares = [f"| {name.replace('_', ' ')} | {100 * share:.2f} % |" for name, share in report.shares.items()]
    found = [
        f"- **{finding.rule}** ({finding.severity}): {finding.message}. {finding.mend}" for finding in report.findings
    ]
    text = [
        _MADE_BY,
        f"# {file.title}",
        "",
        f"Built from `{report.source}` with SUMO {report.sumo_version}. Licence of the source: {file.licence}.",
        f"Name it so: {file.attribution or 'no attribution asked for'}.",
        "",
        f"Time zone {file.timezone}, metric CRS {file.network.crs}, seed {file.seed}. Demand: {file.demand.method}",
        "",
        "| | |",
        "|---|---|",
        *counts,
        *shares,
        "",
        "## Repaired, left out or doubtful",
        "",
        *(found or ["Nothing."]),
        "",
        "`network/`, `demand/` and `graph/` are built and not kept in git; `import_report.json` has every detail.",
    ]
    (folder / "README.md").write_text("\n".join(text) + "\n", "utf-8")


def _lines(fields: dict[str, object]) -> list[str]:
    return [f"{name} = {_toml(value)}" for name, value in fields.items() if value is not None]


def _toml(value: object) -> str:
    """Return a string, number, truth, or lists and tables of them as TOML; JSON's escapes are TOML's too."""
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_toml(item) for item in value) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(_lines(value)) + "}"
    return json.dumps(value, ensure_ascii=False)
