"""Where SUMO is: the binaries of the installed package, and their version."""

import importlib.metadata
import importlib.util
import os
from functools import lru_cache
from pathlib import Path

from trafficfeed.errors import SourceUnavailable


@lru_cache(maxsize=1)
def sumo_home() -> Path:
    """Return SUMO's own folder (what ``SUMO_HOME`` should be), without importing the package.

    Raises
    ------
    SourceUnavailable
        If the package `eclipse-sumo` is not installed.
    """
    spec = importlib.util.find_spec("sumo")
    if spec is None or not spec.submodule_search_locations:
        raise SourceUnavailable("SUMO is not installed: run `make setup` (or `pip install eclipse-sumo==1.28.0`)")
    return Path(next(iter(spec.submodule_search_locations))).resolve()


def binary(name: str) -> Path:
    """Return the program `name` (``sumo``, ``netconvert`` …) itself, not pip's Python wrapper.

    Killing the wrapper would orphan the simulator.

    Raises
    ------
    SourceUnavailable
        If it is not there.
    """
    path = sumo_home() / "bin" / name
    if not path.is_file():
        raise SourceUnavailable(f"{path} is not there: reinstall eclipse-sumo with `make setup`")
    return path


def forget_sumos_proj() -> None:
    """Let PROJ find its own data again; call it before rasterio is imported for the first time.

    SUMO's Python packages, once imported, point PROJ at SUMO's data for the whole process, which the PROJ of other
    packages (rasterio's) is too new to read. SUMO's own programs are told where theirs is when they are started.
    """
    for name in ("PROJ_DATA", "PROJ_LIB"):
        if os.environ.get(name, "").startswith(str(sumo_home())):
            del os.environ[name]


@lru_cache(maxsize=1)
def sumo_version() -> str:
    """Return the version of the installed SUMO, e.g. ``1.28.0``."""
    return importlib.metadata.version("eclipse-sumo")
