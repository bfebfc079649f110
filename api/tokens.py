"""Who may write: bearer tokens from the settings, or one made at the first start and kept for its owner alone."""

import hmac
import json
import logging
import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from trafficfeed.errors import SourceMalformed, SourceUnavailable
from trafficfeed.settings import Settings

FIRST_OFFICER = "officer"

_log = logging.getLogger(__name__)


class Tokens:
    """Officers by token; compared in constant time."""

    def __init__(self, by_name: Mapping[str, str]) -> None:
        self._by_name = {name: token.encode() for name, token in by_name.items() if token}

    def owner(self, token: str) -> str | None:
        """Return whose token it is, or None; every token is compared, so that the time tells nothing."""
        given, found = token.encode(), None
        for name, known in self._by_name.items():
            if hmac.compare_digest(known, given):
                found = name
        return found


def load_tokens(settings: Settings) -> Tokens:
    """Return the tokens of the settings; without any, those of ``state_dir/tokens.json``, made where it is missing.

    Raises
    ------
    SourceUnavailable
        If the file can neither be read nor made.
    SourceMalformed
        If it is not a JSON object of names and tokens.
    """
    if settings.api_tokens:
        return Tokens({name: token.get_secret_value() for name, token in settings.api_tokens.items()})
    path = settings.state_dir / "tokens.json"
    try:
        _make_first(path)
        document = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise SourceUnavailable(
            f"{path} cannot be read or made: {error}; set TRAFFICFEED_API_TOKENS instead"
        ) from error
    except ValueError as error:
        raise SourceMalformed(f"{path} is not JSON: {error}; delete it to have a new one made") from error
    if not isinstance(document, dict) or not all(isinstance(token, str) for token in document.values()):
        raise SourceMalformed(f"{path} must be a JSON object of names and tokens; delete it to have a new one made")
    return Tokens(document)


def _make_first(path: Path) -> None:
    """Make the file with one token, readable by its owner alone, whole or not at all."""
    if path.exists():
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        json.dump({FIRST_OFFICER: secrets.token_urlsafe(32)}, file)
    try:
        os.link(draft, path)  # fails where another process was first, whose token then stands
        _log.info("made a token for %r in %s", FIRST_OFFICER, path)
    except FileExistsError:
        pass
    finally:
        draft.unlink()
