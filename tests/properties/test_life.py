"""The life of incidents under everything that may happen to them, in any order, with restarts and failures between."""

import asyncio
import contextlib
import json
import os
from collections import Counter
from collections.abc import Coroutine
from datetime import datetime, timedelta
from typing import Any, TypeVar

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from agent.intents import (
    AlertsFound,
    ConfigChanged,
    LetterDied,
    NoticeActed,
    PersonReported,
    RotaChanged,
    SilencePut,
)
from agent.loading.load import load_desk
from agent.rehearsal.house import House
from agent.storage.writer import StoreDown
from collectors.alert import Alert, Status, encode_labels
from collectors.labels import Matcher, fingerprint
from correlation.incident import ACTIVE, Action, Incident, key_of
from correlation.permission import Actor
from correlation.refusal import Refusal
from correlation.silence import Silence
from escalation.rota import RotaChange
from escalation.sla import Pause, elapsed, stopped_at
from tests.house import START, alert, at, message
from tests.properties.memory import remembered, sleeping
from tests.properties.site import configured

T = TypeVar("T")

DISK = {"alertname": "DiskFull", "instance": "db-1:9100"}
POOL: tuple[dict[str, str], ...] = (
    {**DISK, "severity": "critical"},
    {**DISK, "severity": "warning"},
    {"alertname": "HostDown", "instance": "web-1", "severity": "critical"},
    {"alertname": "ServiceSlow", "instance": "web-1", "severity": "warning"},
    {"alertname": "ProbeFailed", "instance": "web-1", "severity": "info"},
    {"alertname": "Oddity", "team": "web", "cluster": "c1", "severity": "warning"},
    {"alertname": "Strangeness", "team": "web", "cluster": "c1"},
    {"alertname": "LinkDown", "device": "sw-1", "severity": "info", "service": "shop"},
    {"alertname": "ShopDown", "service": "shop", "severity": "critical"},
    {"alertname": "Watchdog", "severity": "none"},
)
ONE = st.integers(0, len(POOL) - 1)
PEOPLE = ("ana", "luis", "wei", "pat", "dora", "desk", "sal", "root")
WHO = st.sampled_from(PEOPLE)
SPANS = st.sampled_from([0.2, 1, 5, 14, 16, 31, 61, 240, 600])
MINUTE = timedelta(minutes=1)

BODIES: dict[Action, list[dict[str, Any]]] = {
    Action.ACKNOWLEDGE: [{}],
    Action.ASSIGN: [{"person": "luis"}, {"person": "wei"}, {"group": "sys-expert"}, {"person": "nobody"}],
    Action.RETURN: [{"reason": "not ours"}],
    Action.HANDOVER: [{"to": "l2", "reason": "deep"}, {"to": "net-ops", "reason": "theirs"}],
    Action.NOTE: [
        {"text": "looking"},
        {"text": "soon", "next_action": "swap the disk", "eta": "+60"},
        {"text": "late", "eta": "+9000"},
    ],
    Action.SUSPEND: [
        {"for": "customer", "reason": "asks", "resume_at": "+90"},
        {"for": "vendor", "reason": "part"},
        {"for": "change", "reason": "window", "resume_at": "+30"},
    ],
    Action.RESUME: [{}],
    Action.SNOOZE: [{"until": "+45", "reason": "tea"}, {"until": "+600", "reason": "night"}],
    Action.RESOLVE: [{"type": "fixed", "resolution": "done", "note": "n", "service_restored_at": "+0"}],
    Action.ACCEPT: [{"by": "customer", "via": "phone"}],
    Action.ARCHIVE: [{"final_category": "server/cpu", "final_severity": 3}],
    Action.REJECT: [{"reason": "still broken"}],
    Action.CANCEL: [{"reason": "no fault"}],
    Action.ESCALATE: [{"reason": "slow"}],
    Action.SET_SEVERITY: [{"severity": s, "reason": "judged"} for s in (1, 2, 3, 4)],
    Action.CLASSIFY: [{"category": "server/cpu", "urgency": 1, "impact": 1}, {"category": "server/cpu"}],
    Action.FEEDBACK: [{"known_error": "KE-1", "outcome": "used"}],
    Action.OUT_OF_SCOPE: [{"reason": "not served"}],
    Action.TO_SALES: [{}],
    Action.SALES_DECIDE: [{"accept": True, "reason": "sold"}, {"accept": False, "reason": "no"}],
    Action.REPLAN: [{}],
    Action.DECLARE_MAJOR: [{"reason": "grave"}, {"reason": "graver", "commander": "pat"}],
    Action.BRIEF: [{"casualties": "none"}],
    Action.REVIEW: [{"cause": "wear", "actions": ["spares"]}],
    Action.RAISE_CHANGE: [{"title": "grow", "risk": "low", "plan": "extend", "back_out": "none"}],
    Action.CALL_VENDOR: [{"vendor": "acme", "note": "sent"}, {"vendor": "acme", "ticket": "T-1", "note": "asked"}],
    Action.CALLBACK: [
        {"reached": True, "score": 1, "persists": True},
        {"reached": True, "score": 5, "persists": False},
        {"reached": False, "persists": False},
    ],
}
ACTS = st.sampled_from([(a, b) for a, bodies in BODIES.items() for b in bodies])


class Life(RuleBasedStateMachine):
    """Senders, people, time and failures play; the invariants watch after every move."""

    def __init__(self) -> None:
        super().__init__()
        self.runner = asyncio.Runner()
        self.told: dict[int, datetime] = {}
        """What the Alertmanager knows to fire, and since when."""
        self.over: dict[int, datetime] = {}
        """Its last start that has ended."""
        self.end_of: dict[int, datetime] = {}
        self.direct: dict[int, datetime] = {}
        """What Prometheus itself told, and when it expires."""
        self.silences: list[str] = []
        self.inhibits = True
        self.numbers: list[str] = []
        self.severities: dict[int, int] = {}
        self.lowered: set[int] = set()
        self.records: dict[int, tuple[str, Any]] = {}
        self.ran: dict[int, timedelta] = {}
        """How much of each resolution clock had run when it was looked at last."""

    def run(self, coro: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(coro)

    @initialize()
    def begin(self) -> None:
        self.house = House(configured(), START)
        self.run(self.house.open())

    def teardown(self) -> None:
        if hasattr(self, "house"):
            self.run(self.house.close())
        self.runner.close()

    # senders

    def send(self, *alerts: dict[str, Any]) -> None:
        self.run(self.house.receive(message(*alerts)))

    def start_of(self, i: int) -> str:
        return at(self.told[i])

    @rule(i=ONE)
    def fires(self, i: int) -> None:
        """A new firing, or the same told again."""
        if i not in self.told:
            if self.over.get(i) == self.house.now:
                return
            self.told[i] = self.house.now
        self.send(alert(POOL[i], starts=self.start_of(i)))

    @rule(i=ONE)
    def fires_anew_untold(self, i: int) -> None:
        """It ended and began again, and nobody told the end."""
        if self.over.get(i) != self.house.now:
            self.told[i] = self.house.now
            self.send(alert(POOL[i], starts=self.start_of(i)))

    @rule(which=st.sets(ONE, min_size=2))
    def many_fire(self, which: set[int]) -> None:
        for i in which:
            if i not in self.told and self.over.get(i) != self.house.now:
                self.told[i] = self.house.now
        self.send(*(alert(POOL[i], starts=self.start_of(i)) for i in sorted(which) if i in self.told))

    @rule(i=ONE)
    def ends(self, i: int) -> None:
        if i in self.told:
            starts = self.start_of(i)
            self.over[i], self.end_of[i] = self.told.pop(i), self.house.now
            self.send(alert(POOL[i], starts=starts, ends=at(self.house.now)))

    @rule(i=ONE, seconds=st.sampled_from([0, 30]))
    def the_end_comes_before_its_beginning(self, i: int, seconds: int) -> None:
        """A resolve of a firing that was never told, and then the firing itself, late."""
        if i in self.told or self.over.get(i) == self.house.now:
            return
        starts = at(self.house.now)
        self.over[i] = self.end_of[i] = self.house.now
        self.send(alert(POOL[i], starts=starts, ends=at(self.house.now)))
        self.run(self.house.advance(seconds=seconds))
        self.send(alert(POOL[i], starts=starts))

    @rule(i=ONE)
    def a_stale_firing_comes(self, i: int) -> None:
        if i in self.over and i not in self.told and self.house.now - self.ended_at(i) < 10 * MINUTE:
            self.send(alert(POOL[i], starts=at(self.over[i])))

    def ended_at(self, i: int) -> datetime:
        episode = self.house.desk.board.episodes.get(key_of("am", fingerprint(POOL[i])))
        return episode.closed_at or START if episode is not None else START

    @rule(i=ONE)
    def the_end_is_told_again(self, i: int) -> None:
        if i in self.over:
            self.send(alert(POOL[i], starts=at(self.over[i]), ends=at(self.end_of[i])))

    @rule(i=ONE, minutes=st.sampled_from([3, 12]))
    def prometheus_tells(self, i: int, minutes: int) -> None:
        now = self.house.now
        self.direct[i] = now + minutes * MINUTE
        body = [{"labels": POOL[i], "startsAt": at(START), "endsAt": at(self.direct[i])}]
        self.run(self.house.receive(json.dumps(body).encode(), "prom", "prometheus"))

    @rule(level=st.sampled_from(["warn", "crit", ""]))
    def an_inspection_finds(self, level: str) -> None:
        labels = {"alertname": "DiskFilling", "mountpoint": "/", "inspection": "root"}
        now = self.house.now
        found = Alert(
            origin="inspection",
            fingerprint=fingerprint(labels),
            status=Status.FIRING if level else Status.RESOLVED,
            starts_at=now,
            starts_text="",
            ends_at=None if level else now,
            labels_json=encode_labels(labels),
            level=level,
        )
        self.run(self.house.do(AlertsFound([found], "inspection")))

    @rule()
    def a_letter_dies(self) -> None:
        self.run(self.house.do(LetterDied("am", "no JSON", b"{", self.house.now)))

    # people

    @rule(
        matcher=st.sampled_from(["alertname=DiskFull", "instance=web-1", "team=web"]),
        minutes=SPANS,
        later=st.booleans(),
    )
    def silence(self, matcher: str, minutes: float, later: bool) -> None:
        now = self.house.now
        starts = now + (10 * MINUTE if later else timedelta())
        self.silences.append(f"s{len(self.silences)}")
        made = Silence(
            id=self.silences[-1],
            matchers=(Matcher.parse(matcher),),
            starts_at=starts,
            ends_at=starts + minutes * MINUTE,
            created_by="pat",
            comment="",
            created_at=now,
        )
        self.run(self.house.do(SilencePut(made, "pat")))

    @precondition(lambda self: self.silences)
    @rule(data=st.data())
    def unsilence(self, data: st.DataObject) -> None:
        held = self.house.desk.board.silences.get(data.draw(st.sampled_from(self.silences)))
        if held is not None:
            ended = Silence(
                **{n: getattr(held, n) for n in Silence.__struct_fields__ if n != "ends_at"}, ends_at=self.house.now
            )
            self.run(self.house.do(SilencePut(ended, "pat")))

    @precondition(lambda self: self.numbers)
    @rule(act=ACTS, who=WHO, data=st.data())
    def act(self, act: tuple[Action, dict[str, Any]], who: str, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(self.numbers))
        action, body = act
        timed = {
            k: at(self.house.now + int(v[1:]) * MINUTE) if isinstance(v, str) and v.startswith("+") else v
            for k, v in body.items()
        }
        self.try_act(number, action, timed, who)

    @precondition(lambda self: self.numbers)
    @rule(who=WHO, data=st.data())
    def merge(self, who: str, data: st.DataObject) -> None:
        number, into = (data.draw(st.sampled_from(self.numbers)) for _ in range(2))
        self.try_act(number, Action.MERGE, {"into": into}, who)

    @precondition(lambda self: self.numbers)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        self.try_act(data.draw(st.sampled_from(self.numbers)), Action.ACKNOWLEDGE, {}, "desk")

    def try_act(self, number: str, action: Action, body: dict[str, Any], who: str) -> None:
        try:
            incident = self.run(self.house.act(number, str(action), body, who))
        except Refusal:
            return
        if action is Action.SET_SEVERITY:
            self.lowered.add(incident.id)

    @rule(data=st.data(), action=st.sampled_from(["hold", "release", "edit"]), who=st.sampled_from(["pat", "ana"]))
    def a_notice_is_held_or_edited(self, data: st.DataObject, action: Any, who: str) -> None:
        pending = sorted(n.id for n in self.house.desk.notices.pending.values())
        person = self.house.config.people[who]
        acted = NoticeActed(data.draw(st.sampled_from([0, *pending])), action, Actor(who, frozenset(person.roles)), "t")
        with contextlib.suppress(Refusal):
            self.run(self.house.do(acted))

    @rule(hours=st.integers(0, 30), person=st.sampled_from(["ana", "luis"]))
    def somebody_stands_in(self, hours: int, person: str) -> None:
        begins = self.house.now + hours * 60 * MINUTE
        change = RotaChange(
            id=f"r{self.house.desk.seq}",
            schedule="sys-l1",
            person=person,
            replaces=None,
            from_at=begins,
            until=begins + 240 * MINUTE,
            author="pat",
            reason="tea",
            created_at=self.house.now,
        )
        self.run(self.house.do(RotaChanged((change,), Actor("pat", frozenset({"pm"})))))

    @rule(severity=st.sampled_from([1, 3]))
    def somebody_reports(self, severity: int) -> None:
        actor = Actor("desk", frozenset({"desk"}), frozenset({"desk"}))
        body = {"title": "mail is slow", "urgency": severity, "impact": severity, "group": "app-ops"}
        self.run(self.house.do(PersonReported(body, actor)))

    @rule()
    def reload(self) -> None:
        self.inhibits = not self.inhibits
        config = configured(inhibit=self.inhibits)
        self.house.config = config
        self.run(self.house.do(ConfigChanged(config, "pat")))

    # time and failures

    @rule(minutes=SPANS)
    def advance(self, minutes: float) -> None:
        self.run(self.house.advance(minutes * MINUTE))

    @rule(minutes=st.sampled_from([0, 0, 20, 300]))
    def restart(self, minutes: int) -> None:
        self.house.clock.set(self.house.now + minutes * MINUTE)
        self.run(self.house.restart())

    @rule(i=ONE)
    def the_store_fails(self, i: int) -> None:
        """A message that could not be committed is refused, and told again when the store is back."""
        real = self.house.writer.commit

        async def fail(batch: Any) -> None:
            raise StoreDown("gone")

        self.house.writer.commit = fail  # type: ignore[method-assign]  # the store is broken for one commit
        try:
            body = message(alert(POOL[i], starts=at(self.told.get(i, self.house.now))))
            self.run(self.house.receive(body))
            raise AssertionError("it was answered without a commit")
        except StoreDown:
            pass
        finally:
            self.house.writer.commit = real  # type: ignore[method-assign]  # and mended
        self.run(self.house.settle())

    @rule(notifier=st.sampled_from(["hook", "mail"]))
    def a_notifier_breaks_or_mends(self, notifier: str) -> None:
        self.house.broken ^= {notifier}

    # what must hold

    def fetch(self, sql: str) -> list[tuple[Any, ...]]:
        return self.run(self.house.writer.fetch(sql))

    @invariant()
    def everything_holds(self) -> None:
        """After each move. One after the other, so that a failing life is told in its moves alone."""
        if not hasattr(self, "house"):
            return
        self.every_open_alert_is_in_exactly_one_place()
        self.what_fires_at_its_sender_is_open_and_what_has_ended_is_not()
        self.nothing_is_in_limbo()
        self.whoever_must_still_be_found_is_looked_for()
        self.a_step_has_one_record_for_ever()
        self.severity_is_never_lowered_by_the_agent()
        self.who_has_it_ends_the_search()
        self.every_step_that_was_taken_reached_somebody_or_says_so()
        self.who_was_paged_is_known()
        self.the_clocks_run_forwards()
        self.nothing_is_archived_but_through_review()
        self.a_notice_goes_out_once()
        self.a_desk_read_from_the_store_is_the_one_in_memory()

    def every_open_alert_is_in_exactly_one_place(self) -> None:
        board = self.house.desk.board
        places: Counter[Any] = Counter()
        for keys in (*board.members.values(), *board.suppressed.values(), board.orphans):
            places.update(list(keys))
        places.update(e.key for e in board.episodes.values() if e.decision == "heartbeat" and e.open)
        open_keys = {key for key, e in board.episodes.items() if e.open}
        assert set(places) == open_keys
        assert not [key for key, count in places.items() if count > 1]
        assert not set(board.suspects) & open_keys
        for incident in board.incidents.values():
            assert incident.open_alerts == len(board.members.get(incident.id, ())), incident.number

    def what_fires_at_its_sender_is_open_and_what_has_ended_is_not(self) -> None:
        episodes = self.house.desk.board.episodes
        for i in range(len(POOL)):
            held = episodes.get(key_of("am", fingerprint(POOL[i])))
            assert (held is not None and held.open) == (i in self.told), POOL[i]
            held = episodes.get(key_of("prom", fingerprint(POOL[i])))
            assert (held is not None and held.open) == (self.direct.get(i, START) > self.house.now), POOL[i]

    def nothing_is_in_limbo(self) -> None:
        desk = self.house.desk
        for incident in desk.board.incidents.values():
            assert incident.next_due_at == desk.agenda.due_of(incident.id), incident.number
            if incident.state not in ACTIVE:
                assert not desk.agenda.of(incident.id), incident.number
            elif desk.agenda.of(incident.id) and incident.next_due_at is None:
                comes_up = incident.resume_at is not None or incident.resolves_at is not None
                assert comes_up or incident.state == "sales_decision", incident.number
        assert sleeping(desk, self.house.now) == []

    def whoever_must_still_be_found_is_looked_for(self) -> None:
        """An active incident that nobody has acknowledged has response steps ahead, or has taken the whole ladder."""
        desk = self.house.desk
        for incident in desk.board.incidents.values():
            if incident.state not in ACTIVE or incident.acknowledged_at is not None:
                continue
            ahead = [s for s in desk.agenda.of(incident.id) if s.planned.step.clock == "response"]
            done = self.fetch(
                "SELECT count(*) FROM step WHERE outcome IN ('paged', 'fallback', 'superseded') "
                f"AND key LIKE '%/r100%' AND incident_id = {incident.id}"
            )
            assert ahead or done[0][0], incident.number

    def a_step_has_one_record_for_ever(self) -> None:
        for step, outcome, moment in self.fetch("SELECT id, outcome, at FROM step WHERE outcome <> ''"):
            assert self.records.setdefault(step, (outcome, moment)) == (outcome, moment)
        twice = self.fetch(
            "SELECT incident_id, step, person, notifier FROM page WHERE state = 'sent' "
            "GROUP BY incident_id, step, person, notifier HAVING count(*) > 1"
        )
        assert twice == []

    def severity_is_never_lowered_by_the_agent(self) -> None:
        for incident in self.house.desk.board.incidents.values():
            before = self.severities.get(incident.id, 4)
            assert incident.severity <= before or incident.id in self.lowered, incident.number
            self.severities[incident.id] = incident.severity
        self.lowered.clear()

    def who_has_it_ends_the_search(self) -> None:
        """What was promised to responders before an acknowledgement is not sent after it."""
        late = self.fetch(
            "SELECT i.number, p.step, p.person FROM page p JOIN incident i ON i.id = p.incident_id "
            "WHERE p.seeks_responder AND p.created_at < i.acknowledged_at AND p.sent_at > i.acknowledged_at"
        )
        assert late == []

    def every_step_that_was_taken_reached_somebody_or_says_so(self) -> None:
        mute = self.fetch(
            "SELECT s.incident_id, s.key FROM step s WHERE s.outcome IN ('paged', 'fallback') AND NOT EXISTS "
            "(SELECT 1 FROM page p WHERE p.incident_id = s.incident_id AND p.step = s.key)"
        )
        assert mute == []

    def who_was_paged_is_known(self) -> None:
        desk = self.house.desk
        for incident in desk.board.incidents.keys() - desk.unread:
            paged = {who for (who,) in self.fetch(f"SELECT DISTINCT person FROM page WHERE incident_id = {incident}")}
            assert desk.outbox.paged(incident) == paged

    def the_clocks_run_forwards(self) -> None:
        for incident in self.house.desk.board.incidents.values():
            assert incident.resolve_due_at is None or incident.resolve_due_at >= incident.opened_at
            assert incident.history == sorted(incident.history, key=lambda entry: entry[0])
            self.a_clock_never_runs_backwards(incident)

    def a_clock_never_runs_backwards(self, incident: Incident) -> None:
        """Less than was counted before may have run only where nothing had fired any more since before then."""
        ladder, rests = self.house.desk.ladder, [Pause(*rest) for rest in incident.rests]
        held, stop = ladder.terms.pauses(incident), stopped_at(incident.history, rests)
        ran = elapsed(incident.opened_at, self.house.now, ladder.terms.calendar(incident), held, stop)
        assert ran >= timedelta()
        if ran < self.ran.get(incident.id, ran):
            assert incident.restored_since is not None or incident.rests, incident.number
        self.ran[incident.id] = ran

    def nothing_is_archived_but_through_review(self) -> None:
        for (history,) in self.fetch("SELECT history FROM incident WHERE state = 'archived'"):
            states = [state for _, state in json.loads(history)]
            assert states[-2:] == ["pending_review", "archived"]

    def a_notice_goes_out_once(self) -> None:
        assert self.fetch("SELECT key FROM notice GROUP BY key HAVING count(*) > 1") == []
        for row, outcome, moment in self.fetch("SELECT id, outcome, at FROM notice WHERE outcome <> ''"):
            assert self.records.setdefault(-row, (outcome, moment)) == (outcome, moment)
        twice = (
            "SELECT step, person FROM page WHERE incident_id = 0 GROUP BY step, person, notifier HAVING count(*) > 1"
        )
        assert self.fetch(twice) == []

    def a_desk_read_from_the_store_is_the_one_in_memory(self) -> None:
        house = self.house
        loaded = self.run(load_desk(house.writer, house.config, house.now))
        live, fresh = remembered(house.desk, house.now), remembered(loaded, house.now)
        for part, value in live.items():
            assert fresh[part] == value, part
        assert sleeping(loaded, house.now) == []
        self.numbers = [n for (n,) in self.fetch("SELECT number FROM incident ORDER BY id DESC LIMIT 6")]


Life.TestCase.settings = settings(
    max_examples=int(os.environ.get("TOCSIN_LIVES", "25")),
    stateful_step_count=40,
    deadline=None,
    derandomize="TOCSIN_LIVES" not in os.environ,
    suppress_health_check=list(HealthCheck),
    report_multiple_bugs=False,
    phases=[Phase.explicit, Phase.generate] if "TOCSIN_QUICK" in os.environ else list(Phase)[:4],
)
TestLife = Life.TestCase
