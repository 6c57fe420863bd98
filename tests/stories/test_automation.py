"""Actions of known errors: proposed, approved, and held back by each guard at the moment of running."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agent.deciders.automation import IllegalRun
from agent.intents import ConfigChanged, KnownErrorWritten, RunDecided, RunEnded, RunsClaimed
from agent.rehearsal.house import House
from agent.wording.sentences import text
from correlation.incident import ITEM, Incident, State
from correlation.permission import Actor, Forbidden
from correlation.rules import ConfigurationItem, JoinRule
from escalation.page_words import reason_text
from knowledge.automation import AutomationPolicy
from knowledge.library import Library
from knowledge.run import Run, RunState
from knowledge.written import BadEntry
from tests.house import START, alert, at, message, site
from tests.knowledge.shelf import entry

WEI, ANA = Actor("wei", frozenset({"l2"})), Actor("ana", frozenset({"l1"}))
ROOT = Actor("root", frozenset({"ops"}))
HUNG = {"alertname": "HostHung", "instance": "web-1", "site": "north"}
ON_BATTERY = {"alertname": "UpsOnBattery", "ups": "a", "site": "north"}
CYCLE: dict[str, Any] = {
    "argv": ["/usr/local/sbin/power-cycle", "--host={instance}"],
    "labels": {"instance": "[a-z][a-z0-9.-]*"},
    "approve": "l2",
    "stop": [{"alert": {"alertname": "UpsOnBattery"}, "same": ["site"], "reason": "a UPS there is on battery"}],
}
BY_SITE = (JoinRule(id="by-site", join_by=["site"]),)
HANGS = entry("host-hung", match=[{"alertname": "HostHung"}], action="cycle")


async def opened(labels: dict[str, str] = HUNG, *, enabled: bool = True, **rule: Any) -> House:
    """A house in which an alert has been told whose known error has the action."""
    house = await House(configured(enabled, **rule), START).open()
    await house.receive(message(alert(labels)))
    return house


def configured(enabled: bool = True, known: Any = HANGS, **rule: Any) -> Any:
    written = {"enabled": enabled, "actions": {"cycle": {**CYCLE, **rule}}}
    policy = AutomationPolicy.model_validate(written)
    config = site()
    return replace(config, automation=policy, known_errors=Library([*config.known_errors, known]))


def runs(house: House) -> list[Run]:
    return sorted([*house.desk.runs.by_id.values(), *house.desk.runs.settled.values()], key=lambda run: run.id)


async def decide(house: House, who: Actor = WEI, *, approve: bool = True, **more: Any) -> Run:
    run: Run = await house.do(RunDecided(runs(house)[-1].id, approve, who, **more))
    return run


async def claim(house: House) -> list[Run]:
    claimed: list[Run] = await house.do(RunsClaimed())
    return claimed


async def told(house: House, kind: str) -> list[dict[str, Any]]:
    """The facts of these lines of the timeline."""
    rows = await house.timeline(incident(house).number)
    return [facts for _, one, _, facts in rows if one == kind]


def incident(house: House) -> Incident:
    return house.incidents()[0]


# the way of one run


async def test_it_is_proposed_approved_started_and_what_came_of_it_is_told() -> None:
    house = await opened()
    (run,) = runs(house)
    assert (run.state, run.argv, run.target) == (RunState.PROPOSED, [*CYCLE["argv"][:1], "--host=web-1"], "web-1")
    assert [facts["approve"] for facts in await told(house, "action_proposed")] == ["l2"]
    assert await claim(house) == []
    assert (await decide(house)).state is RunState.APPROVED
    (claimed,) = await claim(house)
    assert await house.writer.fetch("SELECT state FROM automation_run") == [("started",)]
    await house.do(RunEnded(claimed.id, RunState.SUCCEEDED, 0, "done\n"))
    rows = await house.writer.fetch("SELECT state, exit_code, output, decided_by FROM automation_run")
    assert rows == [("succeeded", 0, "done\n", "wei")]
    kinds = [kind for _, kind, _, _ in await house.timeline(incident(house).number) if kind.startswith("action_")]
    assert kinds == ["action_proposed", "action_approved", "action_started", "action_succeeded"]


async def test_nothing_is_proposed_for_a_firing_of_which_only_the_end_is_told() -> None:
    house = await opened()
    await decide(house)
    (run,) = await claim(house)
    await house.do(RunEnded(run.id, RunState.SUCCEEDED, 0, ""))
    await house.advance(minutes=2)
    unseen = at(START + timedelta(minutes=1))
    await house.receive(message(alert(HUNG, starts=unseen, ends=unseen)))
    assert not any(episode.open for episode in house.desk.board.episodes.values())
    assert [one.id for one in runs(house)] == [run.id]


async def test_what_was_started_is_never_claimed_again_not_even_after_a_restart() -> None:
    house = await opened()
    await decide(house)
    (run,) = await claim(house)
    assert await claim(house) == []
    await house.restart()
    assert await claim(house) == []
    house.sent.clear()
    await house.do(RunEnded(run.id, RunState.UNKNOWN))
    assert [r.state for r in runs(house)] == [RunState.UNKNOWN]
    assert len(await told(house, "action_unknown_end")) == 1
    assert {sent.person for sent in house.sent} == {"desk"}
    assert await claim(house) == []


async def test_it_is_nothing_where_the_site_has_not_switched_it_on() -> None:
    house = await opened(enabled=False)
    assert runs(house) == []
    assert incident(house).known_errors[0]["id"] == "host-hung"


async def test_without_approval_it_waits_for_no_person() -> None:
    house = await opened(approve="none")
    assert [run.state for run in await claim(house)] == [RunState.STARTED]


async def test_it_is_declined_with_a_reason_and_then_it_is_over() -> None:
    house = await opened()
    assert (await decide(house, approve=False, reason="not by day")).state is RunState.DECLINED
    assert [facts["reason"] for facts in await told(house, "action_declined")] == ["not by day"]
    with pytest.raises(IllegalRun, match="declined"):
        await decide(house)


async def test_the_same_yes_twice_is_one_and_another_persons_is_too_late() -> None:
    house = await opened()
    await decide(house)
    assert (await decide(house)).state is RunState.APPROVED
    assert len(await told(house, "action_approved")) == 1
    with pytest.raises(IllegalRun, match="approved"):
        await decide(house, Actor("pia", frozenset({"l2"})))


async def test_who_has_not_the_role_is_told_which_one_has() -> None:
    house = await opened()
    with pytest.raises(Forbidden, match="cycle is approved by l2; ana is l1"):
        await decide(house, ANA)
    assert [run.state for run in runs(house)] == [RunState.PROPOSED]


async def test_a_dry_run_says_what_would_be_run_and_waits_on() -> None:
    house = await opened()
    assert (await decide(house, dry_run=True)).state is RunState.PROPOSED
    assert [facts["argv"] for facts in await told(house, "action_dry_run")] == [runs(house)[0].argv]
    assert await claim(house) == []


@pytest.mark.parametrize("where", ["action", "site"])
async def test_where_the_site_says_so_every_run_is_a_dry_one(where: str) -> None:
    house = await opened()
    written = {
        "enabled": True,
        "dry_run": where == "site",
        "actions": {"cycle": {**CYCLE, "dry_run": where == "action"}},
    }
    config = replace(configured(), automation=AutomationPolicy.model_validate(written))
    await house.do(ConfigChanged(config, "root"))
    await decide(house)
    assert await claim(house) == []
    assert [run.state for run in runs(house)] == [RunState.DRY_RUN]
    assert len(await told(house, "action_dry_run")) == 1


# guards: each is asked when a person approves, and again at the moment of running


async def ended(house: House) -> None:
    await house.receive(message(alert(HUNG, ends=at(house.now))))


async def on_battery(house: House) -> None:
    await house.receive(message(alert(ON_BATTERY), groupKey="ups"))


async def switched_off(house: House) -> None:
    await house.do(ConfigChanged(configured(enabled=False), "root"))


async def not_allowed(house: House) -> None:
    policy = AutomationPolicy(enabled=True)
    await house.do(ConfigChanged(replace(configured(), automation=policy), "root"))


async def another_program(house: House) -> None:
    await house.do(ConfigChanged(configured(argv=["/bin/other", "{instance}"]), "root"))


async def retired(house: House) -> None:
    await house.do(ConfigChanged(configured(known=HANGS.model_copy(update={"status": "retired"})), "root"))


async def restricted(house: House) -> None:
    topology = {"web-1": ConfigurationItem(restricted=True, rule="two people")}
    await house.do(ConfigChanged(replace(configured(), topology=topology), "root"))


async def failed_thrice(house: House) -> None:
    tally = house.desk.feedback.of("host-hung")
    tally.failures = tally.did_not_work = 3
    house.desk.feedback.keep(tally)


async def major_elsewhere(house: House) -> None:
    stop = [{"severity": 4, "reason": "something else is down"}]
    await house.do(ConfigChanged(configured(stop=stop), "root"))


async def over(house: House) -> None:
    incident(house).state = State.RESOLVED


GUARDS = [
    (over, "action_incident_over"),
    (ended, "action_alert_over"),
    (on_battery, "action_stop_rule"),
    (major_elsewhere, "action_stop_rule"),
    (switched_off, "action_off"),
    (not_allowed, "action_unknown"),
    (another_program, "action_changed"),
    (retired, "action_not_asked"),
    (restricted, "action_restricted"),
    (failed_thrice, "action_demoted"),
]


@pytest.mark.parametrize(("befalls", "code"), GUARDS, ids=lambda g: getattr(g, "__name__", ""))
async def test_a_guard_that_holds_when_it_is_to_be_run_stops_it_for_good(befalls: Any, code: str) -> None:
    house = await opened()
    await decide(house)
    await befalls(house)
    assert await claim(house) == []
    (run,) = runs(house)
    assert (run.state, run.why and run.why.code) == (RunState.STOPPED, code)
    assert [facts["why"]["code"] for facts in await told(house, "action_stopped")] == [code]
    assert await house.writer.fetch("SELECT started_at FROM automation_run") == [(None,)]


@pytest.mark.parametrize(
    ("befalls", "code"), [g for g in GUARDS if g[1] != "action_unknown"], ids=lambda g: getattr(g, "__name__", "")
)
async def test_a_guard_that_holds_when_it_is_approved_leaves_it_proposed(befalls: Any, code: str) -> None:
    house = await opened()
    await befalls(house)
    run = await decide(house)
    assert (run.state, run.why and run.why.code) == (RunState.PROPOSED, code)
    assert [facts["why"]["code"] for facts in await told(house, "action_stopped")] == [code]
    assert await claim(house) == []


async def test_a_ups_of_another_site_stops_nothing() -> None:
    house = await opened()
    await house.receive(message(alert({**ON_BATTERY, "site": "south"}), groupKey="ups"))
    await decide(house)
    assert len(await claim(house)) == 1


async def test_an_incident_that_is_resolved_needs_no_action_any_more() -> None:
    house = await opened()
    await decide(house)
    await house.act(incident(house).number, "acknowledge", who="pat")
    restored = {"type": "permanent", "resolution": "r", "note": "n", "service_restored_at": at(START)}
    await house.act(incident(house).number, "resolve", restored, who="pat")
    assert [run.state for run in runs(house)] == [RunState.EXPIRED]
    assert await claim(house) == []


async def test_one_target_gets_it_once_within_the_limit_and_another_one_is_free() -> None:
    house = await opened(approve="none", limit={"runs": 1, "within": "30m"})
    (first,) = await claim(house)
    await house.do(RunEnded(first.id, RunState.SUCCEEDED, 0))

    async def again(labels: dict[str, str]) -> list[Run]:
        await house.receive(message(alert(labels, ends=at(house.now))))
        await house.advance(seconds=1)
        await house.receive(message(alert(labels, starts=at(house.now))))
        return await claim(house)

    assert await again(HUNG) == []
    assert [run.why.code for run in runs(house) if run.why] == ["action_rate"]
    assert len(await again({**HUNG, "instance": "web-2"})) == 1
    await house.restart()
    assert await again(HUNG) == []
    await house.advance(minutes=31)
    assert len(await again(HUNG)) == 1


async def test_no_more_run_at_once_than_the_site_says() -> None:
    config = configured(approve="none")
    config = replace(config, automation=config.automation.model_copy(update={"at_once": 1}))
    house = await House(config, START).open()
    await house.receive(message(alert(HUNG), alert({**HUNG, "instance": "web-2"})))
    (first,) = await claim(house)
    assert await claim(house) == []
    await house.do(RunEnded(first.id, RunState.SUCCEEDED, 0))
    assert len(await claim(house)) == 1


# what is not even proposed


@pytest.mark.parametrize(
    ("instance", "code"),
    [
        ("web-1; reboot", "action_value_refused"),
        ("-rf", "action_value_refused"),
        ("web\n1", "action_value_refused"),
        ("$(id)", "action_value_refused"),
        ("w" * 300, "action_value_refused"),
        ("", "action_value_missing"),
    ],
)
async def test_a_label_that_does_not_fit_its_pattern_is_in_no_argument(instance: str, code: str) -> None:
    house = await opened({**HUNG, "instance": instance}, approve="none")
    assert runs(house) == []
    assert [facts["why"]["code"] for facts in await told(house, "action_refused")] == [code]


@pytest.mark.parametrize(
    "labels",
    [
        pytest.param({**HUNG, "instance": "vault"}, id="as its target"),
        pytest.param(
            {**HUNG, "instance": "vault", "host": "web-1"}, id="as an argument, while the alert is of another"
        ),
        pytest.param({**HUNG, "host": "vault"}, id="as what the alert is about"),
    ],
)
async def test_nothing_is_proposed_for_a_restricted_item_whichever_label_names_it(labels: dict[str, str]) -> None:
    topology = {"web-1": ConfigurationItem(), "vault": ConfigurationItem(restricted=True, rule="two people")}
    house = await House(replace(configured(approve="none"), topology=topology), START).open()
    await house.receive(message(alert(labels)))
    assert runs(house) == []
    assert [facts["why"]["code"] for facts in await told(house, "action_refused")] == ["action_restricted"]


async def test_one_restricted_item_of_the_incident_keeps_actions_from_all_of_it() -> None:
    topology = {"web-1": ConfigurationItem(), "vault": ConfigurationItem(restricted=True)}
    house = await House(replace(configured(), topology=topology), START).open()
    await house.receive(message(alert(HUNG)))
    linked = {"kind": ITEM, "target": "vault"}
    await house.act(incident(house).number, "link", linked, who="pat")
    run = await decide(house)
    assert (run.state, run.why and run.why.facts) == (RunState.PROPOSED, {"items": ["vault"]})


async def test_a_known_error_that_was_found_by_words_has_nothing_run() -> None:
    house = await House(configured(known=HANGS.model_copy(update={"match": ()})), START).open()
    await house.receive(message(alert(HUNG)))
    assert runs(house) == []


async def test_a_storm_is_no_list_of_things_to_approve() -> None:
    house = await House(configured(), START).open()
    await house.receive(message(*(alert({**HUNG, "instance": f"web-{n}"}) for n in range(30))))
    assert len([run for run in runs(house) if run.incident_id == incident(house).id]) == 10


# afterwards


@pytest.mark.parametrize("ends", [True, False])
async def test_the_alert_must_have_ended_within_its_time_or_somebody_is_told(ends: bool) -> None:
    house = await opened(approve="none", verify="5m")
    (run,) = await claim(house)
    await house.do(RunEnded(run.id, RunState.SUCCEEDED, 0))
    if ends:
        await ended(house)
    house.sent.clear()
    await house.restart()
    await house.advance(minutes=5)
    assert [r.verified for r in runs(house)] == [ends]
    assert len(await told(house, "action_verified" if ends else "action_not_verified")) == 1
    asked = [sent for sent in house.sent if "action_failed" in sent.step]
    assert bool(asked) is not ends


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.TIMED_OUT])
async def test_who_has_the_incident_is_told_of_a_run_that_failed(state: RunState) -> None:
    house = await opened(approve="none")
    await house.act(incident(house).number, "acknowledge", who="pat")
    (run,) = await claim(house)
    house.sent.clear()
    await house.do(RunEnded(run.id, state, 1, "no such host"))
    assert house.pages == ["pat"]


# an action on an entry that is written over the API


async def test_an_action_is_attached_by_pm_and_ops_from_what_the_site_allows() -> None:
    house = await House(configured(), START).open()
    values = {"title": "x", "match": {"alertname": "Odd"}, "workaround": "w", "action": "cycle"}
    with pytest.raises(Forbidden, match="with an action is written by ops, pm"):
        await house.do(KnownErrorWritten("odd", values, "", WEI))
    with pytest.raises(BadEntry, match="'burn' is not on the allow-list"):
        await house.do(KnownErrorWritten("odd", {**values, "action": "burn"}, "", ROOT))
    await house.receive(message(alert({**HUNG, "alertname": "Odd"})))
    await house.do(KnownErrorWritten("odd", values, "", ROOT))
    assert [run.known_error for run in runs(house)] == ["odd"]
    with pytest.raises(Forbidden, match="with an action"):
        await house.do(KnownErrorWritten("odd", {"match": {"alertname_re": "O.*"}}, "", WEI, made_on=1))
    await house.advance(timedelta(seconds=1))


# who hears that it waits


async def test_the_role_that_may_approve_is_told_that_a_run_waits_once() -> None:
    house = await opened(approve="pm")
    asked = [sent for sent in house.sent if sent.step.endswith("/action_waits")]
    assert [sent.person for sent in asked] == ["pat"]
    ((reason,),) = await house.writer.fetch("SELECT reason FROM page WHERE step LIKE '%/action_waits'")
    said = reason_text(json.loads(reason), "pm", "en")
    assert said == "action cycle on web-1 waits for your yes or no: `tocsin automation approve 1`, or decline"
    assert incident(house).acknowledged_at is None, "it asks nobody to take the incident"
    await house.restart()
    await house.advance(minutes=5)
    assert [sent for sent in house.sent if sent.step.endswith("/action_waits")] == asked


async def test_ten_runs_that_wait_for_one_incident_are_one_page() -> None:
    house = await House(replace(configured(), join_rules=BY_SITE), START).open()
    await house.receive(message(*(alert({**HUNG, "instance": f"web-{n}"}) for n in range(15))))
    assert [run.state for run in runs(house)] == [RunState.PROPOSED] * 10
    assert [sent.person for sent in house.sent if "action_waits" in sent.step] == ["root"], "no l2 there: the fallback"
    for run in runs(house):
        await house.do(RunDecided(run.id, False, WEI))
    await house.receive(message(alert({**HUNG, "instance": "web-99"}), groupKey="x"))
    assert len([sent for sent in house.sent if "action_waits" in sent.step]) == 2, "the next one that waits"


async def test_where_nobody_need_approve_nobody_is_asked() -> None:
    house = await opened(approve="none")
    assert not [sent for sent in house.sent if "action_waits" in sent.step]


# proposals made anew


def key_of(house: House, name: str) -> str:
    found = next(e for e in house.desk.board.episodes.values() if house.desk.board.labels(e)["instance"] == name)
    return f"{found.fingerprint}@{found.starts_text}"


async def two_in_one() -> House:
    house = await House(replace(configured(), join_rules=BY_SITE), START).open()
    await house.receive(message(alert(HUNG), alert({**HUNG, "instance": "web-2"})))
    assert [run.target for run in runs(house)] == ["web-1", "web-2"]
    return house


async def test_what_is_split_off_is_proposed_in_its_own_incident_and_waits_no_more_in_the_old_one() -> None:
    house = await two_in_one()
    await house.act(incident(house).number, "split", {"alerts": [key_of(house, "web-2")]}, who="desk")
    old, new = house.incidents()
    assert [(run.target, run.number, run.state) for run in runs(house)] == [
        ("web-1", old.number, RunState.PROPOSED),
        ("web-2", old.number, RunState.EXPIRED),
        ("web-2", new.number, RunState.PROPOSED),
    ]
    assert [sent.incident for sent in house.sent if "action_waits" in sent.step] == [old.number, new.number]


@pytest.mark.parametrize("approve", [True, False])
async def test_what_somebody_has_decided_is_not_proposed_again_by_a_split_a_merge_or_a_reload(approve: bool) -> None:
    house = await two_in_one()
    await decide(house, approve=approve)
    for run in await claim(house):
        await house.do(RunEnded(run.id, RunState.FAILED, 1))
    await house.act(incident(house).number, "split", {"alerts": [key_of(house, "web-2")]}, who="desk")
    old, new = house.incidents()
    assert new.known_errors, "it is known all the same"
    await house.restart()
    await house.do(ConfigChanged(replace(configured(), join_rules=BY_SITE), "pat"))
    await house.act(new.number, "merge", {"into": old.number}, who="desk")
    state = RunState.FAILED if approve else RunState.DECLINED
    assert [(run.target, run.state) for run in runs(house)] == [("web-1", RunState.PROPOSED), ("web-2", state)]


async def test_what_waited_in_an_incident_that_is_merged_is_proposed_where_its_alert_went() -> None:
    house = await House(configured(), START).open()
    await house.receive(message(alert(HUNG)))
    await house.receive(message(alert({"alertname": "Oddity", "instance": "web-7"}), groupKey="x"))
    first, second = house.incidents()
    await house.act(first.number, "merge", {"into": second.number}, who="desk")
    states = [(run.number, run.state) for run in runs(house)]
    assert states == [(first.number, RunState.EXPIRED), (second.number, RunState.PROPOSED)]


async def test_a_reload_proposes_what_it_has_allowed_and_only_once() -> None:
    house = await opened(enabled=False)
    for _ in range(3):
        await house.do(ConfigChanged(configured(), "pat"))
        await house.restart()
    assert [(run.target, run.state) for run in runs(house)] == [("web-1", RunState.PROPOSED)]


async def test_a_known_error_that_is_given_an_action_proposes_it_for_what_is_open() -> None:
    house = await House(configured(known=entry("other", match=[{"alertname": "Other"}])), START).open()
    written = {"title": "hung", "workaround": "cycle it", "match": {"alertname": "HostHung"}}
    await house.do(KnownErrorWritten("hung", written, "new", ROOT))
    await house.receive(message(alert(HUNG)))
    assert runs(house) == []
    await house.do(KnownErrorWritten("hung", {"action": "cycle"}, "it helps", ROOT, 1))
    await house.do(KnownErrorWritten("hung", {"symptoms": "it hangs"}, "more", ROOT, 2))
    assert [(run.target, run.state) for run in runs(house)] == [("web-1", RunState.PROPOSED)]


# what depends on what is restricted (procedure R68)


@pytest.mark.parametrize(
    ("items", "runs_there"),
    [
        pytest.param(
            {"web-1": {"depends_on": ["room-1"]}, "room-1": {"kind": "room", "restricted": True}}, False, id="in"
        ),
        pytest.param(
            {"web-1": {"depends_on": ["r-1"]}, "r-1": {"depends_on": ["m"]}, "m": {"kind": "room", "restricted": True}},
            False,
            id="in a rack in it",
        ),
        pytest.param({"web-1": {}, "bank": {"depends_on": ["web-1"], "restricted": True}}, False, id="carries it"),
        pytest.param({"web-1": {"depends_on": ["db"]}, "db": {"restricted": True}}, True, id="uses it alone"),
        pytest.param({"web-1": {}, "web-2": {"restricted": True}}, True, id="stands beside it"),
    ],
)
async def test_work_where_a_restricted_item_is_or_on_what_carries_it_is_for_people(
    items: dict[str, Any], runs_there: bool
) -> None:
    topology = {name: ConfigurationItem.model_validate(item) for name, item in items.items()}
    house = await House(replace(configured(), topology=topology), START).open()
    await house.receive(message(alert(HUNG)))
    assert [run.target for run in runs(house)] == (["web-1"] if runs_there else [])
    refused = [text(facts["why"]["code"], facts["why"]["facts"]) for facts in await told(house, "action_refused")]
    assert [("web-1 carries it or stands in it" in said) for said in refused] == [True] * (not runs_there)
