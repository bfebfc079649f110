"""Who takes the feeds: each partner's datum, formats and language, from `partners.toml` in the city's folder."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Final, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trafficfeed.closures.orders import Reason
from trafficfeed.errors import ScenarioInvalid
from trafficfeed.findings import Finding, Severity
from trafficfeed.formats.profiles import PROFILES
from trafficfeed.formats.standards import STANDARDS
from trafficfeed.network.city import City
from trafficfeed.publishing.push import key_bytes

FILE_NAME: Final = "partners.toml"
RULES: Final = ("closure", "lanes_closed", "vehicles", "speed_limit", "one_way", "turn_ban", "metering")

_IN_FILE: Final = "file:"
_LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
_LEAST_SECRET: Final = 24

_PartnerId = Annotated[str, Field(pattern=r"^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$")]
_Model = TypeVar("_Model", bound=BaseModel)
_Codes = dict[str, Annotated[int, Field(ge=0, le=65535)]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner:
    """One taker of the feeds.

    Attributes
    ----------
    id
        Lower-case letters, digits and hyphens: it stands in URLs.
    title
        As people write its name.
    profile
        Whose unwritten rules the dry run applies: one of `PROFILES`.
    datum
        Of every coordinate it gets: ``wgs84``, ``gcj02`` or ``bd09``.
    formats
        Names in `STANDARDS`; each allows the datum.
    decimals
        Most decimals that it reads of a coordinate in GCJ-02 or BD-09; None: as many as are exact.
    language
        BCP 47, in which formats with one language speak to it; empty: the city's.
    contact
        Whom to call when its records are refused.
    event_codes
        GB/T 29100 codes by ``reason.rule``, ``reason`` or ``rule``, for ``rsi``.
    token_sha256
        Hex digest of the token that opens its feeds; None: they are open to all.
    push_url, push_secret
        Where it is told of each change by HTTPS, and what those messages are sealed with; None: it is not.
    """

    id: str
    title: str
    profile: str
    datum: str = "wgs84"
    formats: tuple[str, ...]
    decimals: int | None = None
    language: str = ""
    contact: str = ""
    event_codes: Mapping[str, int] = field(default_factory=dict, hash=False)
    token_sha256: str | None = None
    push_url: str | None = None
    push_secret: str | None = field(default=None, repr=False)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Entry(_Strict):
    """One ``[[partner]]`` table."""

    id: _PartnerId
    title: Annotated[str, Field(min_length=1)]
    profile: str
    datum: Literal["wgs84", "gcj02", "bd09"] = "wgs84"
    formats: Annotated[tuple[str, ...], Field(min_length=1)]
    decimals: Annotated[int, Field(ge=5, le=9)] | None = None
    language: Annotated[str, Field(pattern=r"^([a-z]{2,3}(-[A-Za-z0-9]{2,8})*)?$")] = ""
    contact: str = ""
    event_codes: _Codes | str = Field(default_factory=dict, description="a table, or a TOML file beside this one")
    token_sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")] | None = None
    push_url: str | None = None
    push_secret: str | None = Field(None, repr=False, description="the secret, or file:NAME of a file beside this one")


class _File(_Strict):
    partner: tuple[_Entry, ...] = ()


class _CodesFile(_Strict):
    event_codes: _Codes


def load_partners(city: City) -> tuple[Partner, ...]:
    """Return the partners in the city's `partners.toml`, in its order; none where there is no such file.

    Raises
    ------
    ScenarioInvalid
        If the file cannot be used; each finding says where in it and what to do.
    """
    path = city.folder / FILE_NAME
    if not path.is_file():
        return ()
    entries = _read(path, _File).partner
    codes = [_codes(entry, path) for entry in entries]
    secrets = [_secret(entry, path) for entry in entries]
    findings = [*_repeated(entries)]
    for at, (entry, found) in enumerate(zip(entries, codes, strict=True)):
        where = f"partner[{at}]"
        findings += [*_profile(entry, where), *_formats(entry, found, where), *_keys(found, f"{where}.event_codes")]
        findings += [*_push(entry, secrets[at], where)]
    if findings:
        raise ScenarioInvalid(f"{path} cannot be used: {findings[0].message} ({findings[0].where})", findings)
    return tuple(_partner(*one) for one in zip(entries, codes, secrets, strict=True))


def _partner(entry: _Entry, codes: Mapping[str, int], secret: str | None) -> Partner:
    return Partner(
        id=entry.id,
        title=entry.title,
        profile=entry.profile,
        datum=entry.datum,
        formats=entry.formats,
        decimals=entry.decimals,
        language=entry.language,
        contact=entry.contact,
        event_codes=codes,
        token_sha256=entry.token_sha256,
        push_url=entry.push_url,
        push_secret=secret,
    )


def _codes(entry: _Entry, path: Path) -> Mapping[str, int]:
    if isinstance(entry.event_codes, str):
        return _read(path.parent / entry.event_codes, _CodesFile).event_codes
    return entry.event_codes


def _secret(entry: _Entry, path: Path) -> str | None:
    """Return the push secret, from its own file where it is kept in one."""
    if entry.push_secret is None or not entry.push_secret.startswith(_IN_FILE):
        return entry.push_secret
    kept = path.parent / entry.push_secret.removeprefix(_IN_FILE)
    try:
        return kept.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(
            f"{path}: the push secret of {entry.id} cannot be read from {kept}: {error}; mend the path or the file"
        ) from error


def _read(path: Path, model: type[_Model]) -> _Model:
    try:
        return model.model_validate(tomllib.loads(path.read_text("utf-8")))
    except OSError as error:
        raise ScenarioInvalid(f"{path} cannot be read: {error.strerror}; mend the path or the file") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ScenarioInvalid(f"{path} is no TOML: {error}") from error
    except ValidationError as error:
        findings = [_finding("field", _path(one["loc"]), one["msg"], "see docs/feeds.md") for one in error.errors()]
        raise ScenarioInvalid(f"{path} cannot be used: {findings[0]}", findings) from error


def _repeated(entries: tuple[_Entry, ...]) -> Iterator[Finding]:
    seen: set[str] = set()
    for at, entry in enumerate(entries):
        if entry.id in seen:
            yield _finding("id", f"partner[{at}].id", f"the id {entry.id!r} is used twice", "give each partner its own")
        seen.add(entry.id)


def _profile(entry: _Entry, where: str) -> Iterator[Finding]:
    if entry.profile not in PROFILES:
        message, mend = f"there is no profile {entry.profile!r}", f"use one of {', '.join(PROFILES)}"
        yield _finding("profile", f"{where}.profile", message, mend)


def _formats(entry: _Entry, codes: Mapping[str, int], where: str) -> Iterator[Finding]:
    for at, name in enumerate(entry.formats):
        place = f"{where}.formats[{at}]"
        if name in entry.formats[:at]:
            yield _finding("format", place, f"{name} is listed twice", "list it once")
        elif name not in STANDARDS:
            yield _finding(
                "format", place, f"there is no format {name!r}", f"use one of {', '.join(sorted(STANDARDS))}"
            )
        elif name == "rsi" and not codes:
            message = "rsi needs the event codes of GB/T 29100, and none is made up"
            yield _finding("event_code", f"{where}.event_codes", message, "give a table or a file, or take rsi off")
        elif entry.datum not in STANDARDS[name].datums:
            allowed = " or ".join(STANDARDS[name].datums)
            message = f"{name} cannot be published in {entry.datum}"
            yield _finding("datum", place, message, f"use {allowed} for it, or take it off this partner")


def _push(entry: _Entry, secret: str | None, where: str) -> Iterator[Finding]:
    if entry.push_url is None:
        if secret is not None:
            message = "there is a push_secret and no push_url"
            yield _finding("push", f"{where}.push_url", message, "give the URL, or take the secret out")
        return
    url = urlsplit(entry.push_url)
    secure = url.scheme == "https" or (url.scheme == "http" and url.hostname in _LOOPBACK)
    if not secure or not url.hostname or url.username or url.fragment:
        message = "a push_url is an https address without a user or a fragment"
        yield _finding("push", f"{where}.push_url", message, "give https://host/path (http on this machine alone)")
    try:
        strong = secret is not None and len(key_bytes(secret)) >= _LEAST_SECRET
    except ValueError:
        strong = False
    if not strong:
        message = f"a push_url needs a push_secret of {_LEAST_SECRET} bytes or more (whsec_… is base64)"
        yield _finding("push", f"{where}.push_secret", message, "make one: `openssl rand -base64 32`")


def _keys(codes: Mapping[str, int], where: str) -> Iterator[Finding]:
    reasons = [reason.value for reason in Reason]
    known = {*reasons, *RULES, *(f"{reason}.{rule}" for reason in reasons for rule in RULES)}
    for key in codes:
        if key not in known:
            mend = "use a reason, a rule or reason.rule, such as roadworks, closure or roadworks.closure"
            yield _finding("event_code", f"{where}.{key}", f"{key!r} is nothing that an order has", mend)


def _path(parts: tuple[Any, ...]) -> str:
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in parts).lstrip(".")


def _finding(rule: str, where: str, message: str, mend: str) -> Finding:
    return Finding(rule=f"partners.{rule}", severity=Severity.ERROR, message=message, where=where, mend=mend)
