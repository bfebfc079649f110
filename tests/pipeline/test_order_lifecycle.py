import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from made_orders import made_order, titled

from trafficfeed.closures.orders import OrderState
from trafficfeed.errors import OrderConflict, OrderInvalid, OrderNotFound
from trafficfeed.findings import Finding, Severity
from trafficfeed.pipeline.orders import (
    amend_order,
    approve_order,
    cancel_order,
    create_order,
    end_order,
    mark_published,
    record_certificate,
    record_check,
    submit_order,
)
from trafficfeed.simulation.certificate import Certificate, Verdict
from trafficfeed.store.audit import AuditEntry, AuditLog
from trafficfeed.store.certificates import Certificates
from trafficfeed.store.database import Database
from trafficfeed.store.orders import Orders, StoredOrder
from trafficfeed.store.outbox import Outbox

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
ERROR = Finding(rule="isolation", severity=Severity.ERROR, message="12 addresses are cut off")
ID = "water-main"


def _certificate(verdict: Verdict = Verdict.PUBLISH, certificate_id: str = "c1") -> Certificate:
    return Certificate(
        id=certificate_id,
        verdict=verdict,
        reasons=(),
        inputs={},
        metrics={},
        accounting={},
        streets=(),
        issued="2026-12-01T12:00:00Z",
    )


def _created(database: Database) -> StoredOrder:
    return create_order(database, made_order(), actor="ann", as_of=NOW)


def _checked(database: Database) -> StoredOrder:
    _created(database)
    return record_check(database, ID, 1, [], as_of=NOW)[0]


def _submitted(database: Database) -> StoredOrder:
    _checked(database)
    return submit_order(database, ID, actor="ann", as_of=NOW)


def _certified(database: Database, verdict: Verdict = Verdict.PUBLISH, version: int = 1) -> StoredOrder:
    return record_certificate(database, ID, version, _certificate(verdict), report="reports/c1", as_of=NOW)


def _approved(database: Database) -> StoredOrder:
    _submitted(database)
    _certified(database)
    return approve_order(database, ID, actor="bob", as_of=NOW)


def _published(database: Database) -> StoredOrder:
    _approved(database)
    return mark_published(database, ID, 1, release="r1", as_of=NOW)


def _amended(database: Database, revision: int, title: str = "Second") -> StoredOrder:
    return amend_order(
        database, titled(made_order(), title), expected_revision=revision, actor="cid", as_of=NOW + timedelta(hours=1)
    )


def _get(database: Database) -> StoredOrder:
    with database.reading() as connection:
        return Orders(connection).get(ID)


def _log(database: Database) -> tuple[AuditEntry, ...]:
    with database.reading() as connection:
        return AuditLog(connection).of_order(ID)


def _runs(database: Database) -> list[str]:
    return [entry.run_id for entry in Outbox(database, as_of=NOW + timedelta(days=1)).pending()]


def test_an_order_goes_from_draft_to_published_step_by_step(database: Database) -> None:
    assert _created(database).state is OrderState.DRAFT
    assert record_check(database, ID, 1, [], as_of=NOW)[0].state is OrderState.CHECKED
    assert submit_order(database, ID, actor="ann", as_of=NOW).submitted_at == NOW
    assert _certified(database).state is OrderState.SIMULATED
    assert approve_order(database, ID, actor="bob", as_of=NOW).state is OrderState.APPROVED
    published = mark_published(database, ID, 1, release="r1", as_of=NOW)
    assert (published.state, published.published_version) == (OrderState.PUBLISHED, 1)
    assert [(line.action, line.actor) for line in _log(database)] == [
        ("create", "ann"),
        ("check", "trafficfeed"),
        ("submit", "ann"),
        ("simulate", "trafficfeed"),
        ("approve", "bob"),
        ("publish", "trafficfeed"),
    ]


def test_an_invalid_order_is_refused_before_anything_is_stored(database: Database) -> None:
    for order in (
        replace(made_order(), measures=()),
        replace(made_order(), id="No Such Id"),
        replace(made_order(), timezone="Mars/Olympus"),
        replace(made_order(), title=object()),  # type: ignore[arg-type]
    ):
        with pytest.raises(OrderInvalid):
            create_order(database, order, actor="ann", as_of=NOW)
    with database.reading() as connection:
        assert Orders(connection).list() == ()
        assert AuditLog(connection).latest() == ()


def test_an_invalid_amendment_leaves_the_order_as_it_was(database: Database) -> None:
    before = _created(database)
    for order in (replace(made_order(), measures=()), made_order(city="elsewhere")):
        with pytest.raises(OrderInvalid):
            amend_order(database, order, expected_revision=1, actor="ann", as_of=NOW)
    assert _get(database) == before


def test_a_second_editor_gets_a_conflict_and_overwrites_nothing(database: Database) -> None:
    revision = _created(database).revision
    _amended(database, revision, "Mine")
    with pytest.raises(OrderConflict, match="somebody changed it"):
        _amended(database, revision, "Theirs")
    assert _get(database).order.title == {"en": "Mine"}
    assert _get(database).version == 2


def test_of_many_editors_at_the_same_moment_exactly_one_is_heard(database: Database) -> None:
    revision = _created(database).revision
    ready = threading.Barrier(6)

    def edit(number: int) -> str:
        ready.wait(60)
        try:
            return _amended(database, revision, f"Editor {number}").order.title["en"]
        except OrderConflict:
            return "conflict"

    with ThreadPoolExecutor(6) as editors:
        answers = list(editors.map(edit, range(6)))
    (heard,) = [answer for answer in answers if answer != "conflict"]
    assert _get(database).order.title == {"en": heard}
    assert _get(database).version == 2


def test_the_same_content_makes_no_new_version(database: Database) -> None:
    before = _created(database)
    assert amend_order(database, made_order(), expected_revision=1, actor="bob", as_of=NOW) == before


def test_an_order_with_errors_stays_a_draft_and_its_findings_are_kept(database: Database) -> None:
    _created(database)
    stored, result = record_check(database, ID, 1, [ERROR], as_of=NOW)
    assert (stored.state, result.passed) == (OrderState.DRAFT, False)
    with database.reading() as connection:
        assert Certificates(connection).check_for(ID, 1) == result


def test_a_checked_order_that_fails_a_later_check_is_a_draft_again_and_has_to_be_submitted_anew(
    database: Database,
) -> None:
    _submitted(database)
    approve_order(database, ID, actor="bob", as_of=NOW)
    stored, _ = record_check(database, ID, 1, [ERROR], as_of=NOW)
    assert (stored.state, stored.submitted_at, stored.pre_approved_by) == (OrderState.DRAFT, None, None)


def test_a_check_of_an_older_version_changes_no_state(database: Database) -> None:
    _amended(database, _checked(database).revision)
    stored, _ = record_check(database, ID, 1, [], as_of=NOW)
    assert (stored.version, stored.state) == (2, OrderState.DRAFT)


def test_a_check_of_a_version_that_does_not_exist_is_refused(database: Database) -> None:
    _created(database)
    with pytest.raises(OrderNotFound):
        record_check(database, ID, 2, [], as_of=NOW)


def test_submitting_puts_one_run_into_the_outbox_however_often(database: Database) -> None:
    first = _submitted(database)
    again = submit_order(database, ID, actor="bob", as_of=NOW)
    assert again == first
    assert _runs(database) == ["water-main-1"]


def test_only_a_checked_order_can_be_submitted(database: Database) -> None:
    _created(database)
    with pytest.raises(OrderConflict, match="only a checked order"):
        submit_order(database, ID, actor="ann", as_of=NOW)
    assert _runs(database) == []


def test_a_submitted_order_awaits_its_simulation_until_the_certificate_is_there(database: Database) -> None:
    def waiting() -> list[str]:
        with database.reading() as connection:
            return [stored.order.id for stored in Orders(connection).awaiting_simulation(city="anywhere")]

    _checked(database)
    assert waiting() == []
    submit_order(database, ID, actor="ann", as_of=NOW)
    assert waiting() == [ID]
    _certified(database)
    assert waiting() == []


def test_an_order_approved_beforehand_is_approved_when_it_passes(database: Database) -> None:
    _submitted(database)
    promised = approve_order(database, ID, actor="bob", as_of=NOW)
    assert (promised.state, promised.pre_approved_by) == (OrderState.CHECKED, "bob")
    stored = _certified(database)
    assert (stored.state, stored.approved_by) == (OrderState.APPROVED, "bob")
    assert _log(database)[-1].detail["promised"] is True


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.INCONCLUSIVE])
def test_an_order_approved_beforehand_that_does_not_pass_waits_for_a_person(
    database: Database, verdict: Verdict
) -> None:
    _submitted(database)
    approve_order(database, ID, actor="bob", as_of=NOW)
    assert _certified(database, verdict).state is OrderState.SIMULATED


@pytest.mark.parametrize("verdict", [Verdict.HOLD, Verdict.INCONCLUSIVE])
def test_a_verdict_that_does_not_pass_is_overridden_only_with_a_reason_that_the_log_keeps(
    database: Database, verdict: Verdict
) -> None:
    _submitted(database)
    _certified(database, verdict)
    for empty in (None, "", "  "):
        with pytest.raises(OrderConflict, match="override"):
            approve_order(database, ID, actor="bob", as_of=NOW, override_reason=empty)
    approved = approve_order(database, ID, actor="bob", as_of=NOW, override_reason="the state visit")
    assert approved.state is OrderState.APPROVED
    assert _log(database)[-1].detail == {
        "certificate": "c1",
        "verdict": verdict.value,
        "override_reason": "the state visit",
    }


def test_an_emergency_is_approved_at_once_with_a_reason_and_its_simulation_asked_for(database: Database) -> None:
    _checked(database)
    approved = approve_order(database, ID, actor="bob", as_of=NOW, override_reason="gas leak")
    assert approved.state is OrderState.APPROVED
    assert _runs(database) == ["water-main-1"]
    mark_published(database, ID, 1, release="r1", as_of=NOW)
    published = _get(database)
    later = _certified(database, Verdict.HOLD)
    assert (later.state, later.revision) == (OrderState.PUBLISHED, published.revision + 1)
    assert _log(database)[-1].detail == {"certificate": "c1", "verdict": "hold"}
    assert _certified(database, Verdict.HOLD) == later
    with database.reading() as connection:
        found = Certificates(connection).certificate_for(ID, 1)
    assert found is not None
    assert found.verdict is Verdict.HOLD


def test_a_draft_can_be_neither_approved_nor_certified(database: Database) -> None:
    _created(database)
    with pytest.raises(OrderConflict):
        approve_order(database, ID, actor="bob", as_of=NOW, override_reason="please")
    with pytest.raises(OrderConflict, match="check it"):
        _certified(database)
    with database.reading() as connection:
        assert Certificates(connection).get("c1") is None


def test_an_approval_of_what_changed_since_it_was_read_is_a_conflict(database: Database) -> None:
    _submitted(database)
    seen = _certified(database)
    record_certificate(database, ID, 1, _certificate(Verdict.HOLD, "c2"), report="", as_of=NOW + timedelta(minutes=1))
    with pytest.raises(OrderConflict, match="revision"):
        approve_order(database, ID, actor="bob", as_of=NOW, expected_revision=seen.revision)


def test_a_certificate_recorded_twice_changes_nothing_more(database: Database) -> None:
    _submitted(database)
    first = _certified(database)
    assert _certified(database) == first


def test_a_certificate_of_an_older_version_is_kept_and_moves_nothing(database: Database) -> None:
    _amended(database, _submitted(database).revision)
    stored = _certified(database, version=1)
    assert (stored.version, stored.state) == (2, OrderState.DRAFT)
    assert (_log(database)[-1].action, _log(database)[-1].version) == ("simulate", 1)
    with database.reading() as connection:
        assert Certificates(connection).certificate_for(ID, 1) is not None
        assert Certificates(connection).certificate_for(ID, 2) is None


def test_an_amendment_takes_back_submission_and_approvals(database: Database) -> None:
    _submitted(database)
    promised = approve_order(database, ID, actor="bob", as_of=NOW)
    amended = _amended(database, promised.revision)
    assert (amended.state, amended.submitted_at) == (OrderState.DRAFT, None)
    assert (amended.pre_approved_by, amended.approved_by) == (None, None)
    record_check(database, ID, 2, [], as_of=NOW)
    submit_order(database, ID, actor="cid", as_of=NOW)
    assert _runs(database) == ["water-main-1", "water-main-2"]


def test_the_published_version_is_served_until_its_amendment_is_published(database: Database) -> None:
    def served() -> list[tuple[int, str]]:
        with database.reading() as connection:
            found = Orders(connection).to_serve(city="anywhere", ended_since=NOW)
        return [(stored.version, stored.order.title["en"]) for stored in found]

    published = _published(database)
    assert served() == [(1, "Water main renewal")]
    _amended(database, published.revision)
    record_check(database, ID, 2, [], as_of=NOW)
    submit_order(database, ID, actor="ann", as_of=NOW)
    record_certificate(database, ID, 2, _certificate(certificate_id="c2"), report="", as_of=NOW)
    assert served() == [(1, "Water main renewal")]
    approve_order(database, ID, actor="bob", as_of=NOW)
    assert served() == [(2, "Second")]
    assert mark_published(database, ID, 2, release="r2", as_of=NOW).published_version == 2


def test_publishing_is_noted_once(database: Database) -> None:
    first = _published(database)
    assert mark_published(database, ID, 1, release="r1", as_of=NOW) == first


def test_what_was_never_approved_cannot_be_published(database: Database) -> None:
    _submitted(database)
    _certified(database)
    with pytest.raises(OrderConflict, match="never approved"):
        mark_published(database, ID, 1, release="r1", as_of=NOW)


def test_an_order_amended_while_its_release_was_made_keeps_both_facts(database: Database) -> None:
    _amended(database, _approved(database).revision)
    stored = mark_published(database, ID, 1, release="r1", as_of=NOW)
    assert (stored.state, stored.version, stored.published_version) == (OrderState.DRAFT, 2, 1)


def test_an_order_cancelled_while_its_release_was_made_is_served_as_cancelled(database: Database) -> None:
    _approved(database)
    cancel_order(database, ID, actor="ann", as_of=NOW, reason="rain")
    stored = mark_published(database, ID, 1, release="r1", as_of=NOW)
    assert (stored.state, stored.published_version) == (OrderState.CANCELLED, 1)
    with database.reading() as connection:
        served = Orders(connection).to_serve(city=stored.order.city, ended_since=NOW)
    assert [(one.order.id, one.state) for one in served] == [(ID, OrderState.CANCELLED)]


@pytest.mark.parametrize("until", [_created, _checked, _submitted, _approved, _published])
def test_an_order_can_be_cancelled_on_any_step_and_then_nothing_more(database: Database, until: object) -> None:
    until(database)  # type: ignore[operator]
    cancelled = cancel_order(database, ID, actor="ann", as_of=NOW, reason="rain")
    assert (cancelled.state, cancelled.finished_at) == (OrderState.CANCELLED, NOW)
    assert _log(database)[-1].detail == {"reason": "rain"}
    for step in (
        lambda: _amended(database, cancelled.revision),
        lambda: submit_order(database, ID, actor="ann", as_of=NOW),
        lambda: approve_order(database, ID, actor="ann", as_of=NOW, override_reason="x"),
        lambda: cancel_order(database, ID, actor="ann", as_of=NOW, reason="again"),
        lambda: end_order(database, ID, actor="ann", as_of=NOW, reason="again"),
    ):
        with pytest.raises(OrderConflict):
            step()
    assert _get(database) == cancelled


def test_cancelling_needs_a_reason(database: Database) -> None:
    before = _created(database)
    with pytest.raises(OrderConflict, match="reason"):
        cancel_order(database, ID, actor="ann", as_of=NOW, reason=" ")
    assert _get(database) == before


def test_a_person_ends_what_is_published_but_not_what_never_was(database: Database) -> None:
    _approved(database)
    with pytest.raises(OrderConflict):
        end_order(database, ID, actor="ann", as_of=NOW, reason="the crowd has left")
    mark_published(database, ID, 1, release="r1", as_of=NOW)
    ended = end_order(database, ID, actor="ann", as_of=NOW, reason="the crowd has left")
    assert (ended.state, ended.finished_at) == (OrderState.ENDED, NOW)


def test_steps_on_an_order_that_is_not_there_say_so(database: Database) -> None:
    for step in (
        lambda: _amended(database, 1),
        lambda: record_check(database, ID, 1, [], as_of=NOW),
        lambda: submit_order(database, ID, actor="ann", as_of=NOW),
        lambda: _certified(database),
        lambda: approve_order(database, ID, actor="ann", as_of=NOW),
        lambda: cancel_order(database, ID, actor="ann", as_of=NOW, reason="x"),
        lambda: mark_published(database, ID, 1, release="r", as_of=NOW),
    ):
        with pytest.raises(OrderNotFound):
            step()
