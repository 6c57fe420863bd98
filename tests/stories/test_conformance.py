"""What a receiver of Alertmanager must keep: one test for each rule."""

import json
from datetime import timedelta

import pytest

from agent.intents import Pulled, SilencePut, TimePassed
from agent.rehearsal.house import House
from agent.storage.writer import StoreDown
from collectors.alert import NotThisFormat
from collectors.labels import Matcher, fingerprint
from correlation.incident import key_of
from correlation.silence import Silence
from tests.house import DISK_FULL, START, alert, at, message

SILENCE = Silence(
    id="s-1",
    matchers=(Matcher.parse("alertname=DiskFull"),),
    starts_at=START,
    ends_at=START + timedelta(hours=1),
    created_by="ana",
    comment="planned",
    created_at=START,
)
"""An hour in which the disk rings nobody."""

LINK_DOWN = {"alertname": "LinkDown", "instance": "sw-1", "severity": "critical"}
END = at(START + timedelta(minutes=1))


async def decisions(house: House) -> list[str]:
    return [d for (d,) in await house.writer.fetch("SELECT decision FROM episode ORDER BY alert_id")]


async def test_the_same_body_twice_is_one_incident_and_one_page_each(house: House) -> None:
    body = message(alert(DISK_FULL))
    await house.receive(body)
    before = list(house.sent)
    await house.receive(body)
    assert len(house.incidents()) == 1
    assert house.sent == before
    assert house.desk.board.episodes[key_of("am", fingerprint(DISK_FULL))].count == 2


async def test_two_peers_with_two_external_urls_tell_of_one_alert(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), externalURL="http://am-1:9093"))
    await house.receive(message(alert(DISK_FULL), externalURL="http://am-2:9093", groupKey="{}:{}"))
    assert house.incidents()[0].alert_count == 1


async def test_a_crash_before_the_commit_leaves_nothing_and_the_retry_opens_it(house: House) -> None:
    commit = house.writer.commit

    async def fails(batch: object) -> None:
        raise StoreDown("pulled the plug")

    house.writer.commit = fails  # type: ignore[method-assign]  # the store dies under one commit
    with pytest.raises(StoreDown):
        await house.receive(message(alert(DISK_FULL)))
    house.writer.commit = commit  # type: ignore[method-assign]
    assert house.incidents() == []
    tick = house.pipeline.put(TimePassed())
    await house.pipeline.drain_once()
    await tick
    await house.receive(message(alert(DISK_FULL)))
    assert [i.number for i in house.incidents()] == ["INC-20260302-0001"]
    assert len(house.pages) == 4


async def test_a_crash_after_the_commit_and_before_the_answer_makes_the_retry_a_duplicate(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.restart()
    await house.receive(message(alert(DISK_FULL)))
    assert len(house.incidents()) == 1
    assert len(house.pages) == 4


async def test_a_late_firing_after_the_resolve_opens_nothing_pages_nobody_and_becomes_stale(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    pages = len(house.pages)
    await house.receive(message(alert(DISK_FULL)))
    assert await decisions(house) == ["opened", "suspect"]
    assert house.incidents()[0].open_alerts == 0
    await house.advance(minutes=11)
    assert await decisions(house) == ["opened", "stale"]
    assert len(house.pages) == pages
    assert len(house.incidents()) == 1


async def test_the_same_start_seen_again_after_the_suspect_window_is_a_live_outage(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.advance(hours=1)
    assert not house.incidents()
    pages = len(house.pages)
    await house.receive(message(alert(DISK_FULL)))
    assert [i.active for i in house.incidents()] == [True]
    assert len(house.pages) > pages
    why = (await house.writer.fetch("SELECT why FROM episode ORDER BY alert_id DESC LIMIT 1"))[0][0]
    assert json.loads(why)["code"] == "same_start"


async def test_a_suspect_that_the_source_shows_active_becomes_an_episode_at_once(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.receive(message(alert(DISK_FULL)))
    await pulled(house, alert(DISK_FULL))
    assert await decisions(house) == ["opened", "joined"]
    assert house.incidents()[0].open_alerts == 1


async def test_a_suspect_that_the_source_does_not_show_is_stale_at_once(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.receive(message(alert(DISK_FULL)))
    await pulled(house)
    assert await decisions(house) == ["opened", "stale"]


async def pulled(house: House, *alerts: dict[str, object], gone: tuple[str, ...] = ()) -> None:
    from collectors.webhooks.prometheus import active_alerts

    items = [{**a, "endsAt": at(house.now + timedelta(minutes=4)), "receivers": [{"name": "tocsin"}]} for a in alerts]
    ours = frozenset(str(a["fingerprint"]) for a in alerts)
    found = active_alerts(items, "am", house.now)
    await house.do(Pulled("am", "am", found, True, True, frozenset(gone), ours=ours))


async def test_a_start_that_moves_earlier_moves_the_episode_and_opens_nothing(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, starts="2026-03-02T08:59:00.5Z")))
    await house.receive(message(alert(DISK_FULL, starts="2026-03-02T08:50:00Z")))
    assert len(house.incidents()) == 1
    rows = await house.writer.fetch("SELECT starts_text FROM alert")
    assert rows == [("2026-03-02T08:50:00Z",)]


async def test_a_resolve_repeated_fifteen_times_is_one_end(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    number = house.incidents()[0].number
    for _ in range(15):
        await house.receive(message(alert(DISK_FULL, ends=END)))
        await house.advance(minutes=1)
    kinds = [kind for _, kind, _, _ in await house.timeline(number)]
    assert kinds.count("alerts_ended") == 1
    assert house.incident(number).state == "resolved"


async def test_a_truncated_group_that_says_resolved_ends_only_what_it_names(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), alert(LINK_DOWN)))
    await house.receive(message(alert(DISK_FULL, ends=END), truncatedAlerts=230, status="resolved"))
    assert not house.desk.board.episodes[key_of("am", fingerprint(DISK_FULL))].open
    assert house.desk.board.episodes[key_of("am", fingerprint(LINK_DOWN))].open


async def test_what_a_truncation_hid_is_found_by_the_pull(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), truncatedAlerts=1))
    await pulled(house, alert(DISK_FULL), alert(LINK_DOWN))
    assert house.desk.board.episodes[key_of("am", fingerprint(LINK_DOWN))].open


async def test_what_a_pull_found_first_is_the_same_firing_when_the_webhook_tells_it_in_full(house: House) -> None:
    """Alertmanager's API cuts moments to milliseconds (seen on 0.25)."""
    await house.receive(message(alert(LINK_DOWN), truncatedAlerts=1))
    await pulled(house, alert(DISK_FULL, starts="2026-03-02T08:59:00.781Z"), alert(LINK_DOWN))
    await house.receive(message(alert(DISK_FULL, starts="2026-03-02T08:59:00.781792Z")))
    assert await house.writer.fetch("SELECT count(*) FROM alert") == [(2,)]


async def test_an_end_that_was_hidden_from_us_is_found_by_the_pull(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(minutes=5)
    await pulled(house, gone=(fingerprint(DISK_FULL),))
    assert house.incidents()[0].open_alerts == 0


async def test_a_group_partly_silenced_and_unsilenced_never_ends_by_absence(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), alert(LINK_DOWN)))
    await house.receive(message(alert(DISK_FULL)))
    assert house.desk.board.episodes[key_of("am", fingerprint(LINK_DOWN))].open
    await house.receive(message(alert(DISK_FULL), alert(LINK_DOWN)))
    assert sum(i.alert_count for i in house.incidents()) == 2


async def test_a_route_change_gives_a_new_group_key_and_no_new_alert(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL), groupKey='{}/{team="a"}:{alertname="DiskFull"}'))
    assert house.incidents()[0].alert_count == 1


async def test_continue_true_delivers_twice_under_two_receivers_and_counts_once(house: House) -> None:
    await house.receive(message(alert(DISK_FULL), receiver="tocsin"))
    await house.receive(message(alert(DISK_FULL), receiver="tocsin-all", groupKey="{}:{}"))
    assert house.incidents()[0].alert_count == 1


async def test_send_resolved_false_ends_nothing_and_the_pull_does(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.advance(hours=5)
    assert house.incidents()[0].open_alerts == 1
    await pulled(house, gone=(fingerprint(DISK_FULL),))
    assert house.incidents()[0].open_alerts == 0


@pytest.mark.parametrize(
    "more",
    [
        pytest.param({"receiver": r"team\.a"}, id="escaped receiver name"),
        pytest.param(
            {"notification_reason": "first notification", "routeLabels": {"a": "b"}}, id="keys of 0.32 and 0.34"
        ),
        pytest.param({"some_future_key": [1, 2]}, id="a key that does not exist yet"),
    ],
)
async def test_keys_around_the_alerts_do_not_matter(house: House, more: dict[str, object]) -> None:
    await house.receive(message(alert(DISK_FULL), **more))
    assert len(house.incidents()) == 1


async def test_a_payload_with_the_least_keys_is_taken(house: House) -> None:
    body = {"version": "4", "alerts": [{"status": "firing", "labels": DISK_FULL, "startsAt": at(START)}]}
    await house.receive(json.dumps(body).encode())
    assert len(house.incidents()) == 1


async def test_a_custom_payload_is_refused_with_what_to_change(house: House) -> None:
    with pytest.raises(NotThisFormat, match="webhook_configs"):
        await house.receive(b'{"text": "hello"}')


async def test_an_empty_fingerprint_is_computed_as_alertmanager_does(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, fingerprint="")))
    await house.receive(message(alert(DISK_FULL)))
    assert house.incidents()[0].alert_count == 1


async def test_two_alerts_under_one_fingerprint_are_two_alerts(house: House) -> None:
    await house.receive(message(alert(DISK_FULL, fingerprint="0" * 16)))
    await house.receive(message(alert(LINK_DOWN, fingerprint="0" * 16)))
    assert sum(i.alert_count for i in house.incidents()) == 2


async def test_ten_thousand_alerts_in_one_post(house: House) -> None:
    alerts = [alert({"alertname": "HostDown", "cluster": "c1", "instance": f"h-{n}"}) for n in range(10_000)]
    await house.receive(message(*alerts))
    assert sum(i.alert_count for i in house.incidents()) == 10_000
    assert len(house.incidents()) == 1


async def test_utf8_label_names_and_values_come_through_unharmed(house: House) -> None:
    labels = {"alertname": "应用实例停止", "系统.名称": "挂号", "severity": "critical"}
    await house.receive(message(alert(labels)))
    rows = await house.writer.fetch("SELECT labels FROM alert")
    assert json.loads(rows[0][0]) == labels
    assert house.incidents()[0].title == "应用实例停止"


async def test_one_invalid_of_256_costs_the_others_nothing(house: House) -> None:
    items = [{"labels": {"alertname": "HostDown", "instance": f"h-{n}"}, "startsAt": at(START)} for n in range(256)]
    items[77] = {"labels": {}}
    await house.receive(json.dumps(items).encode(), "prometheus", "prometheus")
    assert len(await decisions(house)) == 255 + 1  # and the self-incident of the dead letter
    assert (await house.writer.fetch("SELECT count(*) FROM dead_letter"))[0][0] == 1


async def test_a_direct_alert_expires_at_its_end_unless_it_is_told_again(house: House) -> None:
    def body(minutes: int) -> bytes:
        ends = at(house.now + timedelta(minutes=minutes))
        return json.dumps([{"labels": DISK_FULL, "startsAt": at(START), "endsAt": ends}]).encode()

    await house.receive(body(4), "prometheus", "prometheus")
    await house.advance(minutes=3)
    await house.receive(body(4), "prometheus", "prometheus")
    await house.advance(minutes=3)
    assert house.incidents()[0].open_alerts == 1
    await house.advance(minutes=2)
    assert house.incidents()[0].open_alerts == 0


async def test_a_resolve_sent_again_after_a_restart_changes_nothing(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.restart()
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.receive(message(alert(DISK_FULL)))
    assert await decisions(house) == ["opened", "suspect"]


async def test_a_poison_alert_is_mended_and_the_rest_of_the_batch_goes_in(house: House) -> None:
    poison = message(alert({**DISK_FULL, "note": "a"}), alert(LINK_DOWN)).replace(
        b'"note": "a"', rb'"note": "\ud800\u0000"'
    )
    await house.receive(poison)
    assert sum(i.alert_count for i in house.incidents()) == 2
    repairs = [r for (r,) in await house.writer.fetch("SELECT repairs FROM alert ORDER BY id")]
    assert repairs == ["label_mended", ""]


async def test_a_silenced_alert_is_stored_with_its_reason_and_pages_when_the_silence_ends(house: House) -> None:
    await house.do(SilencePut(SILENCE, "ana"))
    await house.receive(message(alert(DISK_FULL)))
    assert await decisions(house) == ["suppressed"]
    assert house.pages == []
    await house.restart()
    await house.advance(minutes=61)
    assert await decisions(house) == ["opened"]
    assert len(house.pages) == 4


async def test_a_resolve_during_a_silence_is_not_lost(house: House) -> None:
    await house.do(SilencePut(SILENCE, "ana"))
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert(DISK_FULL, ends=END)))
    await house.advance(hours=2)
    assert house.incidents() == []
    assert house.pages == []
