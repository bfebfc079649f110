"""Pushes by the API process: its thread tells a partner of a release, officers see the receipts."""

import shutil
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from made_events import CLOSURE
from made_releases import publish
from made_requests import NOW
from push_receiver import SECRET, receiving

from api.deps import Services
from api.pusher import PushThread
from trafficfeed.settings import Settings


def test_a_release_is_pushed_and_its_receipt_shown_to_officers(
    officer: TestClient, settings: Settings, clock: Any, tmp_path: Path
) -> None:
    shutil.copytree(settings.cities_dir, tmp_path / "cities", symlinks=True)
    services = Services(settings.model_copy(update={"cities_dir": tmp_path / "cities"}), clock)
    with receiving() as partner:
        (tmp_path / "cities/gridtown/secret").write_text(SECRET, "utf-8")
        (tmp_path / "cities/gridtown/partners.toml").write_text(
            '[[partner]]\nid = "nav"\ntitle = "Nav"\nprofile = "waze"\nformats = ["native"]\n'
            f'push_url = "{partner.url}"\npush_secret = "file:secret"\n',
            "utf-8",
        )
        publish(services.releases, [CLOSURE], at=NOW, partners={"nav": ["native"]})
        pusher = PushThread(services)
        pusher.round()
        partner.answers = [400]
        publish(services.releases, [], at=NOW, partners={"nav": ["native"]})
        pusher.round()
        assert [one["kind"] for one in partner.messages()] == ["new", "cancel"]
        assert partner.messages()[0]["href"].endswith("/v1/partners/nav/closures/native")
    services.close()
    told = officer.get("/v1/pushes").json()["pushes"]
    assert [(one["kind"], one["state"], one["status"]) for one in told] == [
        ("cancel", "waiting", 400), ("new", "delivered", 204),
    ]  # fmt: skip
    assert len(officer.get("/v1/pushes?state=delivered&partner=nav").json()["pushes"]) == 1
    assert officer.post(f"/v1/pushes/{told[0]['id']}/retry").status_code == 409


def test_nobody_else_sees_them(client: TestClient) -> None:
    assert client.get("/v1/pushes").status_code == 401
