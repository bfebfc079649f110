"""The file of a city's partners: what it may say, and what is said of its faults."""

from pathlib import Path

import pytest

from trafficfeed.errors import ScenarioInvalid
from trafficfeed.network.city import City, CityFile, DemandSection, NetworkSection
from trafficfeed.publishing.partners import load_partners

REPOSITORY = Path(__file__).resolve().parents[2]
HELSINKI = REPOSITORY / "sumo_scenarios/helsinki"
WAZE = """
[[partner]]
id = "waze"
title = "Waze"
profile = "waze"
formats = ["cifs"]
"""


def city_in(folder: Path, partners: str | None = None) -> City:
    if partners is not None:
        (folder / "partners.toml").write_text(partners, "utf-8")
    file = CityFile(
        name="town",
        title="Town",
        timezone="Asia/Shanghai",
        licence="CC0-1.0",
        attribution="",
        network=NetworkSection(net_file="town.net.xml", source="net", crs="EPSG:32650"),
        demand=DemandSection(route_files=(), kind="hour", begin_s=0, end_s=3600, method="none"),
    )
    return City(folder, file)


def faults(folder: Path, partners: str) -> dict[str, str]:
    """Return the places in the file with a fault, and the rule that each breaks."""
    with pytest.raises(ScenarioInvalid) as refusal:
        load_partners(city_in(folder, partners))
    assert "partners.toml" in str(refusal.value)
    return {finding.where: finding.rule for finding in refusal.value.findings}


def test_a_city_without_the_file_has_no_partners(tmp_path: Path) -> None:
    assert load_partners(city_in(tmp_path)) == ()


def test_a_partner_needs_no_more_than_id_title_profile_and_formats(tmp_path: Path) -> None:
    (partner,) = load_partners(city_in(tmp_path, WAZE))
    assert (partner.id, partner.datum, partner.formats, partner.token_sha256) == ("waze", "wgs84", ("cifs",), None)


def test_the_partners_of_the_demo_city_can_be_read_and_cover_every_profile() -> None:
    partners = load_partners(city_in(HELSINKI))
    assert {partner.profile for partner in partners} == {"waze", "google", "tomtom", "datex", "china"}
    assert any(partner.datum == "gcj02" for partner in partners)


@pytest.mark.parametrize(
    ("change", "where", "rule"),
    [
        (('profile = "waze"', 'profile = "wase"'), "partner[0].profile", "partners.profile"),
        (('formats = ["cifs"]', 'formats = ["cifs", "sifs"]'), "partner[0].formats[1]", "partners.format"),
        (('profile = "waze"', 'profile = "waze"\ndatum = "gcj02"'), "partner[0].formats[0]", "partners.datum"),
        (('profile = "waze"', 'profile = "waze"\ndatum = "mars"'), "partner[0].datum", "partners.field"),
        (('id = "waze"', 'id = "Waze!"'), "partner[0].id", "partners.field"),
        (('title = "Waze"', 'titel = "Waze"'), "partner[0].titel", "partners.field"),
        (('formats = ["cifs"]', "formats = []"), "partner[0].formats", "partners.field"),
        (('formats = ["cifs"]', 'formats = ["cifs", "cifs"]'), "partner[0].formats[1]", "partners.format"),
        (('formats = ["cifs"]', 'formats = ["rsi"]'), "partner[0].event_codes", "partners.event_code"),
        (
            ('profile = "waze"', 'profile = "waze"\ntoken_sha256 = "secret"'),
            "partner[0].token_sha256",
            "partners.field",
        ),
    ],
)
def test_a_fault_is_named_with_its_place_in_the_file(
    tmp_path: Path, change: tuple[str, str], where: str, rule: str
) -> None:
    assert faults(tmp_path, WAZE.replace(*change))[where] == rule


def test_two_partners_of_one_id_are_refused(tmp_path: Path) -> None:
    assert faults(tmp_path, WAZE + WAZE) == {"partner[1].id": "partners.id"}


def test_all_faults_are_said_at_once(tmp_path: Path) -> None:
    bad = WAZE.replace('"waze"', '"wase"', 1).replace('["cifs"]', '["sifs", "wzdcks"]')
    assert len(faults(tmp_path, bad)) == 2


def test_a_file_that_is_no_toml_is_refused_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match=r"partners\.toml is no TOML"):
        load_partners(city_in(tmp_path, "[[partner]\n"))


def test_event_codes_stand_in_the_file_or_in_one_beside_it(tmp_path: Path) -> None:
    rsi = WAZE.replace('["cifs"]', '["rsi"]')
    (tmp_path / "codes.toml").write_text('[event_codes]\nclosure = 11111\n"roadworks.closure" = 22222\n', "utf-8")
    beside = load_partners(city_in(tmp_path, rsi + 'event_codes = "codes.toml"\n'))
    inside = load_partners(city_in(tmp_path, rsi + "[partner.event_codes]\nclosure = 11111\n"))
    assert beside[0].event_codes == {"closure": 11111, "roadworks.closure": 22222}
    assert inside[0].event_codes == {"closure": 11111}


def test_a_table_of_codes_for_something_that_no_order_has_is_refused(tmp_path: Path) -> None:
    found = faults(tmp_path, WAZE + '[partner.event_codes]\n"roadworks.closed" = 11111\n')
    assert found == {"partner[0].event_codes.roadworks.closed": "partners.event_code"}


def test_a_missing_table_of_codes_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScenarioInvalid, match=r"codes\.toml cannot be read"):
        load_partners(city_in(tmp_path, WAZE + 'event_codes = "codes.toml"\n'))


def test_no_table_of_true_codes_comes_with_the_project() -> None:
    assert all(not partner.event_codes for partner in load_partners(city_in(HELSINKI)))


PUSHED = WAZE + 'push_url = "https://push.example/hook"\npush_secret = "0123456789012345678901234567"\n'


def test_a_partner_that_is_pushed_to_has_a_url_and_a_secret_that_is_not_shown(tmp_path: Path) -> None:
    (partner,) = load_partners(city_in(tmp_path, PUSHED))
    assert (partner.push_url, partner.push_secret) == ("https://push.example/hook", "0123456789012345678901234567")
    assert "0123456789" not in repr(partner)


def test_a_push_secret_may_be_kept_in_a_file_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "waze.secret").write_text("0123456789012345678901234567\n", "utf-8")
    told = PUSHED.replace('"0123456789012345678901234567"', '"file:waze.secret"')
    (partner,) = load_partners(city_in(tmp_path, told))
    assert partner.push_secret == "0123456789012345678901234567"


@pytest.mark.parametrize(
    ("old", "new", "where"),
    [
        ("https://push.example/hook", "http://push.example/hook", "partner[0].push_url"),
        ("https://push.example/hook", "ftp://push.example/hook", "partner[0].push_url"),
        ("https://push.example/hook", "https://user@push.example/", "partner[0].push_url"),
        ("https://push.example/hook", "push.example", "partner[0].push_url"),
        ("0123456789012345678901234567", "short", "partner[0].push_secret"),
        ("0123456789012345678901234567", "whsec_not base64!", "partner[0].push_secret"),
        ('push_secret = "0123456789012345678901234567"', "", "partner[0].push_secret"),
        ('push_url = "https://push.example/hook"', "", "partner[0].push_url"),
    ],
)
def test_a_push_needs_https_and_a_good_secret(tmp_path: Path, old: str, new: str, where: str) -> None:
    assert faults(tmp_path, PUSHED.replace(old, new)) == {where: "partners.push"}
