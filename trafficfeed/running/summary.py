"""What `trafficfeed up` says when all is up: the orders with their verdicts, the release, addresses and logins."""

from collections.abc import Iterator

from rich.console import Console
from rich.table import Table

from trafficfeed.pipeline.releasing import FEED
from trafficfeed.publishing.documents import Release
from trafficfeed.publishing.releases import ReleaseStore
from trafficfeed.running.airflow import passwords
from trafficfeed.settings import Settings
from trafficfeed.simulation.certificate import Certificate
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.objects import ObjectStore
from trafficfeed.store.orders import Orders, StoredOrder


def show(settings: Settings, database: Database, console: Console) -> None:
    """Print the orders, what was released, and where everything is."""
    release = ReleaseStore(ObjectStore(settings.objects_url), FEED).current()
    console.print()
    console.print(_orders(settings, database, release))
    console.print()
    for name, value in _addresses(settings, release):
        console.print(f"{name:>14}  {value}", markup=False, soft_wrap=True)
    console.print()


def _orders(settings: Settings, database: Database, release: Release | None) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    for heading in ("order", "state", "verdict", "delay a vehicle", "emergency", "records"):
        table.add_column(heading, justify="right" if heading == "records" else "left")
    facts = release.manifest.facts.get("orders", {}) if release else {}
    with database.reading() as connection:
        certificates = Certificates(connection)
        for stored in Orders(connection).list(city=settings.city):
            found = certificates.certificate_for(stored.order.id, stored.version)
            records = facts.get(stored.order.id, {}).get("records", 0)
            table.add_row(*_row(stored, found.certificate if found else None), str(records or "–"))
    return table


def _row(stored: StoredOrder, certificate: Certificate | None) -> tuple[str, ...]:
    if certificate is None:
        return stored.order.id, stored.state.value, "–", "–", "–"
    verdict = certificate.verdict.value
    return (
        stored.order.id,
        stored.state.value,
        f"[{'green' if verdict == 'publish' else 'yellow'}]{verdict}[/]",
        _estimate(certificate, "delay_s"),
        _estimate(certificate, "delay_emergency_s"),
    )


def _estimate(certificate: Certificate, metric: str) -> str:
    found = certificate.metrics.get(metric)
    return f"{found.mean:+.1f} s ({found.low:+.1f} … {found.high:+.1f})" if found else "–"


def _addresses(settings: Settings, release: Release | None) -> Iterator[tuple[str, str]]:
    api = f"http://{settings.api_host}:{settings.api_port}"
    if release:
        yield (
            "release",
            f"{release.manifest.number} ({release.version[:12]}), {release.published_at:%Y-%m-%d %H:%M:%S} UTC",
        )
    yield "what is closed", f"{api}/"
    yield "feeds", f"{api}/v1/feeds/closures/native  {api}/v1/feeds/closures/wzdx"
    yield "orders", f"{api}/v1/orders  (writes need the token in {_tokens(settings)})"
    yield "Airflow", f"{settings.airflow_url}/  user admin, password {passwords(settings)['admin']}"
    yield "logs", f"{settings.state_dir / 'logs'}"


def _tokens(settings: Settings) -> str:
    return "TRAFFICFEED_API_TOKENS" if settings.api_tokens else str(settings.state_dir / "tokens.json")
