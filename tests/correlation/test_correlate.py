"""What each alert is: identity, episode, suppression, join, end; each decision with its reason."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from agent.desk import rules_of
from collectors.alert import Alert, Status, encode_labels
from collectors.labels import Matcher, fingerprint
from collectors.moment import moment_text
from correlation.board import Board
from correlation.correlate import Outcome, Round, correlate, frozen, settle
from correlation.incident import State, key_of
from correlation.inhibit import Inhibitors
from correlation.rules import JoinRule
from correlation.silence import Silence
from correlation.strategies import labels
from tests.house import DISK_FULL, DISK_WARN, START
from tests.properties.site import configured

RULES = rules_of(configured())
MINUTE = timedelta(minutes=1)


def told(labels: dict[str, str] = DISK_FULL, starts: int = 0, ends: int | None = None, **more: Any) -> Alert:
    """An alert that began and ended so many minutes after START."""
    begins = START + starts * MINUTE
    over = None if ends is None else START + ends * MINUTE
    return Alert(
        **{
            "origin": "am",
            "fingerprint": fingerprint(labels),
            "status": Status.FIRING if ends is None else Status.RESOLVED,
            "starts_at": begins,
            "starts_text": moment_text(begins) or "",
            "ends_at": over,
            "ends_text": moment_text(over) or "",
            "labels_json": encode_labels(labels),
            **more,
        }
    )


class Table:
    """A board, and the time in minutes."""

    def __init__(self, **rules: Any) -> None:
        self.board, self.rules = Board(), replace(RULES, **rules)
        self.board.inhibitors = Inhibitors(configured().inhibitions)
        self.now = START

    def at(self, minutes: float) -> "Table":
        self.now = START + minutes * MINUTE
        return self

    def take(self, *alerts: Alert) -> Outcome:
        return correlate(alerts, self.board, self.rules, self.now, "monitoring")

    def settle(self) -> Outcome:
        this = Round(self.board, self.rules, self.now)
        settle(this)
        return this.out

    def incident(self, number: int = 1) -> Any:
        return self.board.incidents[number]

    def why(self, out: Outcome) -> list[str]:
        return [why.code for why, _ in out.whys.values()]


def test_a_first_firing_opens_an_incident_with_its_root_and_its_reason() -> None:
    table = Table()
    out = table.take(told())
    assert table.why(out) == ["first_of_incident"]
    incident = table.incident()
    assert (incident.state, incident.open_alerts, incident.alert_count) == (State.ASSIGNED, 1, 1)
    assert incident.root["fingerprint"] == fingerprint(DISK_FULL)


def test_an_alert_that_no_rule_classifies_opens_a_new_incident_too() -> None:
    table = Table()
    table.take(told({"alertname": "Oddity"}))
    assert (table.incident().state, table.incident().group) == (State.NEW, "desk")


def test_the_same_again_is_counted_and_changes_nothing() -> None:
    table = Table()
    table.take(told())
    out = table.at(1).take(told(), told())
    assert out.decisions == {"duplicate": 2}
    assert (out.new, out.changed, out.events) == ([], {}, [])
    (episode,) = out.touched.values()
    assert (episode.count, episode.last_at) == (3, table.now)


def test_an_earlier_start_moves_the_start_the_root_and_opens_nothing() -> None:
    table = Table()
    table.take(told(starts=0))
    table.take(told(starts=-5))
    assert len(table.board.incidents) == 1
    assert table.incident().root["startsAt"] == moment_text(START - 5 * MINUTE)
    assert table.incident().occurred_at == START - 5 * MINUTE


def test_a_later_start_ends_the_old_firing_untold_and_joins_its_incident() -> None:
    table = Table()
    table.take(told(starts=0))
    out = table.at(6).take(told(starts=5))
    assert table.why(out) == ["fired_again"]
    assert (table.incident().open_alerts, table.incident().alert_count) == (1, 2)
    assert table.incident().resolves_at is None


@pytest.mark.parametrize(
    ("starts", "ends", "closes"),
    [
        pytest.param(0, 5, True, id="its own end"),
        pytest.param(-9, 5, True, id="the same firing, known to be longer"),
        pytest.param(-9, -5, False, id="the end of an older firing"),
        pytest.param(-9, 0, False, id="an older firing that ended as this began"),
        pytest.param(3, 5, True, id="the end of a newer firing that was never told"),
    ],
)
def test_which_end_closes_an_open_alert(starts: int, ends: int, closes: bool) -> None:
    table = Table()
    table.take(told(starts=0))
    table.at(6).take(told(starts=starts, ends=ends))
    assert table.incident().open_alerts == (0 if closes else 1)


def test_an_end_before_its_beginning_makes_the_beginning_stale() -> None:
    table = Table()
    out = table.take(told(starts=0, ends=1))
    assert table.why(out) == ["end_without_start"]
    out = table.at(1).take(told(starts=0))
    assert table.why(out) == ["same_start_after_end"]
    assert table.board.incidents == {}


def test_the_end_of_a_newer_firing_than_the_last_makes_that_firing_stale() -> None:
    table = Table()
    table.take(told(starts=0))
    table.take(told(starts=0, ends=1))
    table.take(told(starts=2, ends=3))
    out = table.at(4).take(told(starts=2))
    assert out.decisions == {"suspect": 1}
    assert table.incident().open_alerts == 0


def test_a_stale_firing_that_is_seen_again_after_the_window_relapses_its_incident() -> None:
    table = Table()
    table.take(told())
    table.at(1).take(told(ends=1))
    table.incident().move(State.RESOLVED, table.now)
    table.incident().resolved_at = table.now
    table.at(2).take(told())
    assert table.board.suspects
    table.at(12).take(told())
    assert table.board.suspects == {}
    assert (table.incident().relapse, table.incident().open_alerts) == (1, 1)


def test_a_suspect_that_is_not_seen_again_is_stale() -> None:
    table = Table()
    table.take(told())
    table.at(1).take(told(ends=1))
    table.at(2).take(told())
    out = table.at(30).settle()
    assert table.board.suspects == {}
    assert table.why(out) == ["not_seen_again"]


def test_an_older_resolve_told_again_does_not_clear_a_suspect_of_a_newer_firing() -> None:
    table = Table()
    table.take(told(starts=0), told(starts=0, ends=1), told(starts=2), told(starts=2, ends=3))
    table.at(4).take(told(starts=2))
    table.take(told(starts=0, ends=1))
    assert table.board.suspects
    table.take(told(starts=2, ends=3))
    assert not table.board.suspects


def test_a_direct_alert_expires_and_is_itself_again_when_it_is_told_again() -> None:
    table = Table()
    table.take(told(expires_at=START + 4 * MINUTE))
    table.at(3).take(told(expires_at=START + 7 * MINUTE))
    table.at(5).settle()
    assert table.incident().open_alerts == 1
    table.at(7).settle()
    assert table.incident().open_alerts == 0
    table.at(8).take(told(expires_at=START + 12 * MINUTE))
    assert table.incident().open_alerts == 1


def test_a_direct_alert_that_expires_earlier_than_it_had_said_does() -> None:
    table = Table()
    table.take(told(expires_at=START + 60 * MINUTE))
    table.take(told(expires_at=START + 2 * MINUTE))
    table.at(2).settle()
    assert table.incident().open_alerts == 0


def test_two_alerts_under_one_fingerprint_are_two() -> None:
    table = Table()
    table.take(told(fingerprint="0" * 16), told({"alertname": "Other"}, fingerprint="0" * 16))
    assert len(table.board.episodes) == 2


# joins


@pytest.mark.parametrize(
    ("second", "minutes", "code"),
    [
        pytest.param(DISK_WARN, 600, "same_alert", id="the same at another threshold, at any time"),
        pytest.param({**DISK_FULL, "alertname": "Other"}, 14, "same_item", id="the same item, within a while"),
        pytest.param({**DISK_FULL, "alertname": "Other"}, 24 * 60, "first_of_incident", id="the same item too late"),
        pytest.param({**DISK_FULL, "instance": "db-2"}, 1, "first_of_incident", id="another instance"),
    ],
)
def test_which_alerts_join(second: dict[str, str], minutes: int, code: str) -> None:
    table = Table()
    table.take(told())
    out = table.at(minutes).take(told(second, starts=minutes))
    assert table.why(out) == [code]


def test_a_window_that_is_over_is_told_as_the_rejected_candidate() -> None:
    rule = JoinRule(id="same-host", join_by=["instance"])
    table = Table(strategies=[labels.Join(rule)], finders=[])
    table.take(told())
    out = table.at(16).take(told({**DISK_FULL, "alertname": "Other"}))
    ((_, rejected),) = out.whys.values()
    assert rejected is not None
    assert (rejected.code, rejected.facts["late_s"]) == ("window_over", 960)


def test_a_window_counts_from_the_last_alert_that_joined() -> None:
    table = Table()
    for n, minutes in enumerate((0, 10, 20, 30)):
        table.at(minutes).take(told({**DISK_FULL, "alertname": f"A{n}"}))
    assert len(table.board.incidents) == 1


def test_an_alert_may_raise_the_severity_and_never_lower_it() -> None:
    table = Table()
    table.take(told(DISK_WARN))
    before = table.incident().severity
    out = table.take(told(DISK_FULL))
    raised = table.incident().severity
    assert raised < before
    assert out.raised == {1}
    table.take(told({**DISK_FULL, "severity": "info"}))
    assert table.incident().severity == raised


def test_a_level_that_rises_is_the_same_alert_raised() -> None:
    table = Table()
    labels = {"alertname": "DiskFilling", "inspection": "root"}
    table.take(told(labels, level="warn", starts_text=""))
    out = table.take(told(labels, level="crit", starts_text=""))
    assert (len(table.board.episodes), out.raised) == (1, {1})


# ends


def test_the_last_end_waits_to_be_stable_and_an_earlier_one_does_not() -> None:
    table = Table()
    table.take(told(DISK_FULL), told(DISK_WARN))
    table.at(5).take(told(DISK_FULL, ends=4))
    assert table.incident().resolves_at is None
    table.at(6).take(told(DISK_WARN, ends=5))
    assert table.incident().resolves_at == START + 21 * MINUTE
    assert table.incident().service_restored_at == START + 5 * MINUTE


def test_an_alert_that_flaps_is_held_longer() -> None:
    table = Table()
    for n in range(3):
        table.at(4 * n).take(told(starts=4 * n))
        table.at(4 * n + 2).take(told(starts=4 * n, ends=4 * n + 2))
    assert table.incident().resolves_at == table.now + 30 * MINUTE


# suppression


def silence(table: Table, minutes: int, matcher: str = "alertname=DiskFull") -> None:
    table.board.silences["s"] = Silence(
        id="s",
        matchers=(Matcher.parse(matcher),),
        starts_at=table.now,
        ends_at=table.now + minutes * MINUTE,
        created_by="pat",
        comment="",
        created_at=table.now,
    )


def test_a_silenced_alert_opens_when_the_silence_ends() -> None:
    table = Table()
    silence(table, 10)
    out = table.take(told())
    assert (table.why(out), table.board.incidents) == (["silenced"], {})
    table.at(9).settle()
    assert table.board.incidents == {}
    table.at(10).settle()
    assert table.incident().open_alerts == 1


def test_a_silenced_alert_that_ended_opens_nothing_when_the_silence_ends() -> None:
    table = Table()
    silence(table, 10)
    table.take(told())
    table.at(5).take(told(ends=5))
    table.at(10).settle()
    assert table.board.incidents == {}


def test_a_consequence_opens_when_its_cause_ends() -> None:
    table = Table()
    down = {"alertname": "HostDown", "instance": "web-1"}
    slow = {"alertname": "ServiceSlow", "instance": "web-1"}
    out = table.take(told(down), told(slow))
    assert table.why(out) == ["first_of_incident", "inhibited"]
    table.at(5).take(told(down, ends=5))
    assert table.board.episodes[key_of("am", fingerprint(slow))].decision in ("opened", "joined")


# what is over


def test_what_fires_on_after_its_incident_opens_another_that_says_so() -> None:
    table = Table()
    table.take(told())
    incident = table.incident()
    incident.move(State.CANCELLED, table.now)
    assert table.board.let_go(incident)
    out = table.at(1).take(told())
    assert table.why(out) == ["still_fires"]
    assert table.incident(2).recurrence_of == incident.number
    assert table.board.orphans == {}


def test_an_end_of_what_fired_on_is_an_end() -> None:
    table = Table()
    table.take(told())
    table.incident().move(State.CANCELLED, table.now)
    table.board.let_go(table.incident())
    table.at(1).take(told(ends=1))
    assert table.board.orphans == {}
    assert len(table.board.incidents) == 1


# heartbeats

BEAT = {"alertname": "Watchdog"}


def test_a_heartbeat_opens_nothing_and_its_silence_is_told() -> None:
    table = Table()
    out = table.take(told(BEAT))
    assert (table.why(out), table.board.incidents) == (["heartbeat"], {})
    assert table.at(9).settle().own == []
    (own,) = table.at(10).settle().own
    assert own.labels["alertname"] == "SourceSilent"
    (own,) = table.at(11).take(told(BEAT)).own
    assert not own.firing


def test_the_start_of_a_heartbeat_that_moves_is_no_silence() -> None:
    table = Table()
    table.take(told(BEAT))
    assert table.at(1).take(told(BEAT, starts=1)).own == []


def test_while_a_source_is_silent_its_ends_prove_nothing() -> None:
    table = Table()
    table.take(told(BEAT), told())
    this = Round(table.board, table.rules, table.now)
    assert not frozen(this, table.incident())
    table.at(20).settle()
    assert frozen(this, table.incident())


# forgetting


def test_an_end_is_forgotten_after_its_time_and_its_start_is_then_new() -> None:
    table = Table()
    table.take(told())
    table.at(1).take(told(ends=1))
    table.at(60 * 24 * 5 + 2).settle()
    assert table.board.episodes == {}
    assert table.board.changes == {}


def test_a_decision_reads_no_clock() -> None:
    """The same alerts at the same moments give the same board."""
    boards = []
    for _ in range(2):
        table = Table()
        table.take(told(), told(DISK_WARN))
        table.at(3).take(told(ends=2))
        boards.append([msgspec.structs.asdict(i) for i in table.board.incidents.values()])
    assert boards[0] == boards[1]
    assert all(isinstance(i["opened_at"], datetime) for i in boards[0])
