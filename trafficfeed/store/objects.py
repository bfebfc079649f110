"""Objects by fsspec: a folder out of the box, S3-compatible by URL; an object is whole, or it is not there."""

import os
import uuid
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import Any, Final

import fsspec
from fsspec.implementations.local import LocalFileSystem

from trafficfeed.errors import SourceUnavailable

_DRAFTS: Final = ".drafts"
_ABANDONED_S: Final = 86_400.0  # a draft this old belongs to a process that was killed


class ObjectStore:
    """Bytes by path under one root.

    In a folder an object is written beside (``.drafts/``), synced to the disk and moved into place, so that a crash
    or a power cut leaves the old bytes or the new. Elsewhere one PUT does the same; `create` needs a store that takes
    conditional writes (``If-None-Match: *``), as S3 does.

    Parameters
    ----------
    url
        fsspec URL of the root: ``file:///var/lib/trafficfeed/objects``, ``s3://bucket/folder``, ``memory://name``.

    Raises
    ------
    SourceUnavailable
        If fsspec knows no such kind of store, or its driver is not installed.
    """

    def __init__(self, url: str) -> None:
        try:
            filesystem, root = fsspec.core.url_to_fs(url, use_listings_cache=False)
        except (ImportError, ValueError) as error:
            raise SourceUnavailable(
                f"the object store {url!r} cannot be opened: {error}; give file:///folder, or install its driver"
            ) from error
        self.url = url
        self._filesystem: Any = filesystem
        self._root = str(root).rstrip("/")
        self._is_folder = isinstance(filesystem, LocalFileSystem)
        self._swept = False

    def write(self, path: str, data: bytes) -> None:
        """Write an object, in place of any that is there.

        Raises
        ------
        SourceUnavailable
            If the store refuses.
        """
        target = self._full(path)
        try:
            if self._is_folder:
                self._move_into_place(data, Path(target), os.replace)
            else:
                self._filesystem.pipe_file(target, data)
        except OSError as error:
            raise self._unavailable("write", path, error) from error

    def create(self, path: str, data: bytes) -> bool:
        """Write an object unless there is one: of several at the same time exactly one gets True.

        Raises
        ------
        SourceUnavailable
            If the store refuses.
        """
        target = self._full(path)
        try:
            if self._is_folder:
                self._move_into_place(data, Path(target), os.link)
            else:
                self._filesystem.pipe_file(target, data, mode="create")
        except FileExistsError:
            return False
        except OSError as error:
            raise self._unavailable("create", path, error) from error
        return True

    def read(self, path: str) -> bytes | None:
        """Return an object's bytes, or None where there is none.

        Raises
        ------
        SourceUnavailable
            If the store cannot be read.
        """
        try:
            data: bytes = self._filesystem.cat_file(self._full(path))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unavailable("read", path, error) from error
        return data

    def exists(self, path: str) -> bool:
        """Tell whether there is such an object.

        Raises
        ------
        SourceUnavailable
            If the store cannot be reached.
        """
        target = self._full(path)
        try:
            # fsspec's own way to ask costs twenty times the stat.
            return Path(target).exists() if self._is_folder else bool(self._filesystem.exists(target))
        except OSError as error:
            raise self._unavailable("look for", path, error) from error

    def list(self, folder: str) -> tuple[str, ...]:
        """Return the paths of all objects under `folder`, sorted.

        Raises
        ------
        SourceUnavailable
            If the store cannot be read.
        """
        try:
            found = self._filesystem.find(self._full(folder))
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise self._unavailable("list", folder, error) from error
        return tuple(sorted(str(path)[len(self._root) + 1 :] for path in found))

    def address(self, path: str) -> str:
        """Return the full address of an object, for messages and for tools that read it themselves."""
        return self._full(path) if self._is_folder else str(self._filesystem.unstrip_protocol(self._full(path)))

    def _move_into_place(self, data: bytes, target: Path, move: Callable[[Path, Path], None]) -> None:
        drafts = Path(self._root) / _DRAFTS
        _make_folder(drafts)
        _make_folder(target.parent)
        draft = drafts / f"{os.getpid()}-{uuid.uuid4().hex}"
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            self._sweep(draft)
            move(draft, target)
            _sync_folder(target.parent)
        finally:
            draft.unlink(missing_ok=True)

    def _sweep(self, newest: Path) -> None:
        """Remove, once per process, what killed writers left; ages are by the file system's own clock."""
        if self._swept:
            return
        self._swept = True
        limit = newest.stat().st_mtime - _ABANDONED_S
        for draft in newest.parent.iterdir():
            # another process may be sweeping too
            with suppress(FileNotFoundError):
                if draft.stat().st_mtime < limit:
                    draft.unlink()

    def _full(self, path: str) -> str:
        parts = PurePosixPath(path).parts
        if not parts or path.startswith("/") or ".." in parts or parts[0] == _DRAFTS:
            raise ValueError(f"{path!r} is not a path inside the object store")
        return "/".join((self._root, *parts))

    def _unavailable(self, verb: str, path: str, error: OSError) -> SourceUnavailable:
        return SourceUnavailable(
            f"cannot {verb} {path} in the object store {self.url}: {error}; check its free space and permissions"
        )


def _make_folder(folder: Path) -> None:
    """Make a folder and those above it, each in a way that outlives a power cut."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    try:
        folder.mkdir(exist_ok=True)
    except FileExistsError as error:
        # `create` takes FileExistsError for "somebody was first"
        raise NotADirectoryError(f"{folder} is a file where a folder must be") from error
    _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    """Make a new name in `folder` outlive a power cut (POSIX only; elsewhere the file system sees to it)."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
