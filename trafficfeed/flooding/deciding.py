"""Decides for one site whether its roads are closed, warned of or free: at once on water, never on silence."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final

from trafficfeed.errors import OrderConflict
from trafficfeed.flooding.clearance import objection
from trafficfeed.flooding.decisions import Basis, Decision, DecisionRule, Level
from trafficfeed.flooding.evidence import Evidence, Seen, gathered
from trafficfeed.flooding.expectation import Expectation, expected
from trafficfeed.flooding.forecast import CityForecast
from trafficfeed.flooding.observations import Reading, Report
from trafficfeed.flooding.road_state import WaterClass, passable_at
from trafficfeed.flooding.sites import Site

_RANK: Final = {Level.CLEAR: 0, Level.HAZARD: 1, Level.CLOSED: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Call:
    """What the moment asks for, on what, and the sentence that says why."""

    level: Level
    basis: Basis
    reason: str
    seen: Sequence[Seen] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Moment:
    """Everything that is known of a site at an instant."""

    site: Site
    before: Decision
    evidence: Evidence
    expectation: Expectation
    as_of: datetime

    @property
    def held(self) -> Level:
        return self.before.level


class Decider:
    """Makes decisions by a rule; holds no state, so that a decision can be made again from what it kept."""

    def __init__(self, rule: DecisionRule) -> None:
        self.rule = rule

    def decide(
        self,
        site: Site,
        before: Decision | None,
        readings: Sequence[Reading],
        forecast: CityForecast | None,
        as_of: datetime,
        reports: Sequence[Report] = (),
    ) -> Decision:
        """Decide what holds for a site from `as_of` on.

        Parameters
        ----------
        before
            What holds until now; None where nothing was ever decided: clear.
        readings, reports
            Of this site, at least of the last `silence_s` and twice `clears_after_s`, better since its episode began:
            a sensor that found water and fell silent is only known by its old readings. The order does not matter;
            what was observed or received after `as_of` is not looked at.
        forecast
            The newest; None where there is none.

        Returns
        -------
        Decision
            Always one made at `as_of`, whose `since` tells whether the level has changed.
        """
        before = before or Decision(
            site=site.id, level=Level.CLEAR, basis=Basis.OBSERVED, decided_at=as_of, since=as_of
        )
        evidence = gathered(site, readings, reports, as_of)
        expectation = expected(site.id, forecast, self.rule, as_of)
        moment = _Moment(site=site, before=before, evidence=evidence, expectation=expectation, as_of=as_of)
        if _in_force(before, as_of):
            return self._written(moment, _Call(level=before.level, basis=Basis.OFFICER, reason=before.reason))
        return self._written(moment, self._called(moment))

    def _called(self, moment: _Moment) -> _Call:
        asked = self._asked(moment)
        if _RANK[asked.level] > _RANK[moment.held]:
            return asked
        if moment.held is Level.CLEAR:
            return asked
        if _RANK[asked.level] == _RANK[moment.held]:
            return self._kept(moment, asked)
        return self._relaxed(moment, asked)

    def _asked(self, moment: _Moment) -> _Call:
        """Return what the readings and the forecast ask for by themselves, whatever holds."""
        rule, now = self.rule, moment.expectation
        new = self._new(moment)
        deepest = max(new, key=lambda one: one.depth_m, default=None)
        for level, from_m, chance, ratio, foretold_m in (
            (Level.CLOSED, rule.closes_m, now.closing, rule.cost_ratio, rule.closes_m),
            (Level.HAZARD, rule.hazard_m, now.wetting, rule.hazard_cost_ratio, rule.clears_m),
        ):
            if deepest is not None and deepest.depth_m >= from_m:
                why = f"{_told(deepest)}: {_word(level)} from {_cm(from_m)} on."
                return _Call(level=level, basis=Basis.OBSERVED, seen=[deepest], reason=why)
            if chance is not None and chance > ratio:
                why = self._foretold(now, chance, foretold_m, ratio)
                return _Call(level=level, basis=Basis.FORECAST, seen=new, reason=why)
        return _Call(level=Level.CLEAR, basis=Basis.OBSERVED, seen=new, reason=_dry(new, moment))

    def _new(self, moment: _Moment) -> list[Seen]:
        """Return the newest of each witness, and what came in since the last decision: a peak between two counts."""
        recent = moment.evidence.since(self.rule.silence_s)
        newest = {one.id for one in moment.evidence.latest(self.rule.silence_s).values()}
        return [one for one in recent if one.id in newest or one.received_at > moment.before.decided_at]

    def _foretold(self, now: Expectation, chance: float, depth_m: float, ratio: float) -> str:
        issued = f"{now.issued_at:%H:%M} UTC" if now.issued_at else "unknown"
        what = f"{chance:.0%} chance of {_cm(depth_m)} within {self.rule.ahead_s / 60:.0f} min"
        return f"{what} by the forecast of {issued}: acted on from {ratio:.0%} on."

    def _kept(self, moment: _Moment, asked: _Call) -> _Call:
        """Keep the level; what was once observed stays so, even when only a forecast still asks for it."""
        if asked.basis is Basis.FORECAST and moment.before.basis is Basis.OBSERVED:
            return replace(asked, basis=Basis.OBSERVED)
        return asked

    def _relaxed(self, moment: _Moment, asked: _Call) -> _Call:
        """Step down if nothing speaks against it, else keep the level and say what does."""
        against = self._against(moment, asked)
        if against:
            return _Call(
                level=moment.held,
                basis=moment.before.basis,
                seen=list(moment.evidence.latest(self.rule.silence_s).values()),
                reason=f"Kept {_word(moment.held)}: {against}.",
            )
        window = moment.evidence.since(self.rule.clears_after_s)
        wet = asked.level is Level.HAZARD or self._objection(self.rule.hazard_m, moment)
        level = Level.HAZARD if wet else Level.CLEAR
        deepest = max((one.depth_m for one in window), default=None)
        found = (
            f"at most {_cm(deepest)} in {self.rule.clears_after_s / 60:.0f} min"
            if deepest is not None
            else "nothing was ever observed, and the forecast no longer expects it"
        )
        basis = asked.basis if level is asked.level else Basis.OBSERVED
        return _Call(
            level=level, basis=basis, seen=window, reason=f"Now {_word(level)}: {found}{self._outlook(moment)}."
        )

    def _against(self, moment: _Moment, asked: _Call) -> str:
        held_s = (moment.as_of - moment.before.since).total_seconds()
        if held_s < self.rule.hold_s:
            return f"decided {held_s / 60:.0f} min ago, held for {self.rule.hold_s / 60:.0f} min at least"
        if moment.before.awaits_approval and asked.level is Level.HAZARD:
            return ""  # nobody was kept out yet
        limit = self.rule.clears_m if moment.held is Level.CLOSED else min(self.rule.hazard_m, self.rule.clears_m)
        return self._objection(limit, moment)

    def _objection(self, limit_m: float, moment: _Moment) -> str:
        if _unwatched(moment):
            chance = moment.expectation.reflood
            if chance is None:
                return "no sensor looks at it, and no fresh forecast says that the water stays away"
            return "" if chance <= self.rule.reflood_chance else f"still a {chance:.0%} chance of water"
        return objection(limit_m, moment.evidence, moment.expectation, self.rule)

    def _outlook(self, moment: _Moment) -> str:
        chance = moment.expectation.reflood
        if chance is None:
            return "; nothing is forecast"
        return f", {chance:.0%} chance of {_cm(self.rule.clears_m)} within {self.rule.reflood_s / 60:.0f} min"

    def _written(self, moment: _Moment, call: _Call) -> Decision:
        before, now = moment.before, moment.expectation
        depths = [one.depth_m for one in moment.evidence.latest(self.rule.silence_s).values()]
        depth_m = max(depths, default=None)
        changed = call.level is not moment.held
        awaits = self._awaits(moment, call)
        begins = changed or (before.awaits_approval and not awaits)
        return Decision(
            site=moment.site.id,
            level=call.level,
            basis=call.basis,
            decided_at=moment.as_of,
            since=moment.as_of if begins else before.since,
            episode=_episode(moment, call.level),
            expected_end=before.expected_end if call.basis is Basis.OFFICER else _end(moment, call.level),
            awaits_approval=awaits,
            depth_m=depth_m,
            low_m=now.low_m,
            high_m=now.high_m,
            chance=now.closing,
            closed_to=_kept_out(moment, call.level, depth_m),
            readings=tuple(sorted(one.id for one in call.seen)),
            forecast=now.issued_at,
            reason=call.reason,
        )

    def _awaits(self, moment: _Moment, call: _Call) -> bool:
        if call.level is not Level.CLOSED or call.basis is not Basis.FORECAST or not self.rule.approval:
            return False
        approved = moment.held is Level.CLOSED and not moment.before.awaits_approval
        return not approved


def approved(decision: Decision, *, by: str, as_of: datetime) -> Decision:
    """Return a forecast closure as an officer let it pass: published from `as_of` on.

    Raises
    ------
    OrderConflict
        It does not await approval.
    """
    if not decision.awaits_approval:
        raise OrderConflict(f"Site {decision.site}: nothing awaits approval ({decision.level}); look at it again.")
    return replace(
        decision,
        awaits_approval=False,
        decided_at=as_of,
        since=as_of,
        reason=f"{decision.reason} Approved by {by}.",
    )


def overridden(
    site: str, before: Decision | None, level: Level, *, by: str, reason: str, as_of: datetime, until: datetime
) -> Decision:
    """Return what an officer orders for a site, against or without readings, until `until`.

    It holds whatever is observed or forecast until then; afterwards the rule decides again. `expected_end` is when it
    ends. Who ordered it and why is in `reason`.

    Raises
    ------
    OrderConflict
        No reason, or an end that is not after `as_of`: an order without either could never be questioned.
    """
    if not reason.strip():
        raise OrderConflict(f"Site {site}: an officer's override needs a reason; say why.")
    if until <= as_of:
        raise OrderConflict(f"Site {site}: the override ends at {until:%H:%M}, before it begins; give a later end.")
    same = before is not None and before.level is level
    episode = (before.episode if before else "") or _named(site, as_of)
    return Decision(
        site=site,
        level=level,
        basis=Basis.OFFICER,
        decided_at=as_of,
        since=before.since if before is not None and same else as_of,
        episode="" if level is Level.CLEAR else episode,
        expected_end=until,
        depth_m=before.depth_m if before else None,
        closed_to=tuple(WaterClass) if level is Level.CLOSED else (),
        reason=f"Ordered by {by} until {until:%Y-%m-%d %H:%M} UTC: {reason.strip()}",
    )


def _in_force(before: Decision, as_of: datetime) -> bool:
    return before.basis is Basis.OFFICER and before.expected_end is not None and as_of < before.expected_end


def _unwatched(moment: _Moment) -> bool:
    """Tell whether nobody could have seen water there: then what a forecast or an officer set ends without readings."""
    nobody = not moment.site.sensors and not moment.evidence.seen
    return nobody and moment.before.basis is not Basis.OBSERVED


def _episode(moment: _Moment, level: Level) -> str:
    if level is Level.CLEAR:
        return ""
    return moment.before.episode or _named(moment.site.id, moment.as_of)


def _named(site: str, as_of: datetime) -> str:
    return f"{site}-{as_of:%Y%m%dt%H%M}"


def _end(moment: _Moment, level: Level) -> datetime | None:
    end = moment.expectation.clear_by
    return None if level is Level.CLEAR or end is None else max(end, moment.as_of + timedelta(minutes=1))


def _kept_out(moment: _Moment, level: Level, depth_m: float | None) -> tuple[WaterClass, ...]:
    """Return all but the emergency vehicles, and these too where the water is too deep; nobody is let in again."""
    if level is not Level.CLOSED:
        return ()
    depths = [one for one in (depth_m, moment.expectation.high_m) if one is not None]
    passes = WaterClass.EMERGENCY in passable_at(max(depths)) if depths else False
    passes = passes and WaterClass.EMERGENCY not in moment.before.closed_to
    return tuple(one for one in WaterClass if one is not WaterClass.EMERGENCY or not passes)


def _told(seen: Seen) -> str:
    who = "seen by police" if seen.by_police else f"measured by {seen.witness}"
    return f"{_cm(seen.depth_m)} {who} at {seen.at:%H:%M} UTC"


def _dry(new: Sequence[Seen], moment: _Moment) -> str:
    if new:
        return f"{_told(max(new, key=lambda one: (one.at, one.depth_m)))}: nothing to warn of."
    asks = " A citizen reports water: have a look." if moment.evidence.citizens else ""
    return f"No good reading, and no forecast of water: nothing known against it.{asks}"


def _word(level: Level) -> str:
    return {Level.CLEAR: "clear", Level.HAZARD: "warned of", Level.CLOSED: "closed"}[level]


def _cm(depth_m: float) -> str:
    return f"{depth_m * 100:.0f} cm"
