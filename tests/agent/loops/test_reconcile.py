"""What the Alertmanagers of an origin show, asked over real sockets: twins together, and nothing settled by silence."""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from agent.clock import HandClock
from agent.configuration.site import SourceConfig
from agent.intents import Pulled
from agent.loops.reconcile import Reconciler, Senders
from agent.rehearsal.house import House
from collectors.labels import fingerprint
from tests.house import DISK_FULL, START, alert, at, message, site

OLD = "2026-03-01T00:00:00.000Z"


def shown(labels: Mapping[str, str], **keys: Any) -> dict[str, Any]:
    told = {"labels": dict(labels), "annotations": {}, "fingerprint": fingerprint(labels), "generatorURL": ""}
    times = {"startsAt": "2026-03-02T08:59:00.500Z", "endsAt": "2026-03-02T09:30:00.000Z"}
    return {**told, **times, "receivers": [{"name": "tocsin"}], "status": {"state": "active"}, **keys}


class Alertmanager:
    """What it shows and since when it runs; `status` other than 200 is an answer that is none."""

    def __init__(self) -> None:
        self.alerts: Any = []
        self.status, self.asked = 200, 0
        self.uptime: Any = OLD

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        async def alerts(_: web.Request) -> web.Response:
            self.asked += 1
            return web.Response(status=self.status, text=json.dumps(self.alerts), content_type="application/json")

        async def status(_: web.Request) -> web.Response:
            return web.json_response(self.uptime if isinstance(self.uptime, list) else {"uptime": self.uptime})

        app = web.Application()
        app.add_routes([web.get("/api/v2/alerts", alerts), web.get("/api/v2/status", status)])
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        place = web.TCPSite(runner, "127.0.0.1", 0)
        await place.start()
        try:
            yield f"http://127.0.0.1:{runner.addresses[0][1]}"
        finally:
            await runner.cleanup()


class Pull:
    """A house, two Alertmanagers of one origin, and somebody who asks them."""

    def __init__(self, house: House, twins: list[Alertmanager], urls: list[str]) -> None:
        self.house, self.twins, self.urls = house, twins, urls
        self.reconciler = Reconciler(house.pipeline, lambda: house.config, house.clock)
        self.pulled: list[Pulled] = []
        house.pipeline.submit = self._submit  # type: ignore[method-assign]  # drains at once: nobody runs the line

    async def _submit(self, intent: Any) -> Any:
        self.pulled.append(intent)
        return await self.house.do(intent)

    async def once(self) -> Pulled:
        senders = Senders("am", tuple(self.urls), timedelta(minutes=1))
        async with aiohttp.ClientSession() as http:
            await self.reconciler.pull(http, "am", senders)
        return self.pulled[-1]


@pytest.fixture
async def pull() -> AsyncIterator[Pull]:
    twins = [Alertmanager(), Alertmanager()]
    async with twins[0].serving() as one, twins[1].serving() as two:
        house = await House(site(), START).open()
        yield Pull(house, twins, [one, two])
        await house.close()


def states(pull: Pull) -> list[tuple[str, int]]:
    return [(str(i.state), i.open_alerts) for i in pull.house.incidents()]


async def test_an_alert_that_no_twin_has_shown_twice_in_a_row_is_over(pull: Pull) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    await pull.once()
    assert states(pull) == [("assigned", 1)]
    await pull.once()
    assert states(pull) == [("assigned", 0)]


async def test_an_alert_that_one_twin_shows_is_not_over(pull: Pull) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    pull.twins[1].alerts = [shown(DISK_FULL)]
    for _ in range(5):
        await pull.once()
    assert states(pull) == [("assigned", 1)]


@pytest.mark.parametrize("status", [500, 404, 401])
async def test_a_twin_that_does_not_answer_leaves_everything_open(pull: Pull, status: int) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    pull.twins[1].status = status
    for _ in range(5):
        assert not (await pull.once()).complete
    assert states(pull) == [("assigned", 1)]


@pytest.mark.parametrize(
    "answer", [{"status": "error"}, "x", None, 7, [None], [{"labels": 5}], [{"receivers": 5, "labels": {"a": "b"}}]]
)
async def test_an_answer_that_is_none_harms_nothing(pull: Pull, answer: Any) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    for twin in pull.twins:
        twin.alerts = answer
    await pull.once()
    assert states(pull) == [("assigned", 1)]


@pytest.mark.parametrize("uptime", ["soon", None, 5, ["a", "list"]])
async def test_an_alertmanager_that_does_not_say_since_when_it_runs_may_have_just_begun(
    pull: Pull, uptime: Any
) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    await pull.house.advance(seconds=10)
    pull.twins[0].uptime = uptime
    for _ in range(3):
        await pull.once()
    assert states(pull) == [("assigned", 1)]


async def test_an_alertmanager_that_has_just_begun_has_forgotten_and_proves_nothing(pull: Pull) -> None:
    await pull.house.receive(message(alert(DISK_FULL)))
    await pull.house.advance(seconds=10)
    pull.twins[0].uptime = at(pull.house.now)
    for _ in range(3):
        await pull.once()
    assert states(pull) == [("assigned", 1)]


async def test_what_is_routed_to_us_and_was_never_told_is_found(pull: Pull) -> None:
    pull.twins[0].alerts = [shown(DISK_FULL), shown({"alertname": "Theirs"}, receivers=[{"name": "others"}])]
    await pull.once()
    assert states(pull) == []
    pull.reconciler.note_receiver("am", "tocsin")
    await pull.once()
    assert states(pull) == [("assigned", 1)]


async def test_a_newer_firing_that_was_never_told_is_found_too(pull: Pull) -> None:
    """The last we heard was its end; then we were down."""
    pull.reconciler.note_receiver("am", "tocsin")
    await pull.house.receive(message(alert(DISK_FULL), alert(DISK_FULL, ends="2026-03-02T08:59:30Z")))
    pull.twins[0].alerts = [shown(DISK_FULL)]
    await pull.once()
    assert states(pull) == [("assigned", 0)]
    pull.twins[0].alerts = [shown(DISK_FULL, startsAt="2026-03-02T09:00:00.000Z")]
    await pull.once()
    assert states(pull) == [("assigned", 1)]


async def test_what_is_muted_at_its_source_is_not_found(pull: Pull) -> None:
    pull.reconciler.note_receiver("am", "tocsin")
    pull.twins[0].alerts = [shown(DISK_FULL, status={"state": "suppressed"})]
    await pull.once()
    assert states(pull) == []


async def test_a_receiver_is_known_by_its_plain_name() -> None:
    reconciler = Reconciler(None, lambda: None, HandClock(START))  # type: ignore[arg-type,return-value]  # not asked here
    reconciler.note_receiver("am", r"team\-a\.pager")
    assert reconciler.receivers == {"am": {"team-a.pager"}}
    for n in range(200):
        reconciler.note_receiver("am", f"r{n}")
    assert len(reconciler.receivers["am"]) == 64


def test_twins_of_one_origin_are_asked_together() -> None:
    def source(url: str, every: str, **more: Any) -> SourceConfig:
        return SourceConfig.model_validate(
            {"type": "alertmanager", "api_urls": [url], "reconcile_every": every, **more}
        )

    sources = {
        "a": source("http://am-1:9093", "60s", origin="prod"),
        "b": source("http://am-2:9093", "30s", origin="prod"),
        "c": source("http://am-3:9093", "60s"),
        "d": SourceConfig(type="alertmanager"),
    }
    config = replace(site(), sources=sources)
    senders = Reconciler(None, lambda: config, HandClock(START)).senders()  # type: ignore[arg-type]  # no line is needed
    assert {o: (s.urls, s.every) for o, s in senders.items()} == {
        "prod": (("http://am-1:9093", "http://am-2:9093"), timedelta(seconds=30)),
        "c": (("http://am-3:9093",), timedelta(seconds=60)),
    }


def many(count: int) -> list[dict[str, str]]:
    return [{"alertname": f"Odd{n}", "instance": f"h-{n}:9100", "severity": "warning"} for n in range(count)]


async def test_what_was_missed_is_taken_in_parts_and_all_of_it(pull: Pull) -> None:
    pull.reconciler.note_receiver("am", "tocsin")
    for twin in pull.twins:
        twin.alerts = [shown(labels) for labels in many(600)]
    await pull.once()
    assert [len(part.ours) for part in pull.pulled] == [256, 256, 88]
    assert sum(i.open_alerts for i in pull.house.incidents()) == 600
    await pull.once()
    assert [len(part.ours) for part in pull.pulled[3:]] == [600]


async def test_what_is_over_ends_in_parts_and_all_of_it(pull: Pull) -> None:
    labels = many(600)
    await pull.house.receive(message(*(alert(one) for one in labels)))
    for _ in range(2):
        await pull.once()
    assert [len(part.gone) for part in pull.pulled] == [0, 256, 256, 88]
    assert sum(i.open_alerts for i in pull.house.incidents()) == 0


async def test_a_suspect_is_dropped_by_no_part_that_does_not_show_it(pull: Pull) -> None:
    pull.reconciler.note_receiver("am", "tocsin")
    await pull.house.receive(message(alert(DISK_FULL)))
    await pull.house.receive(message(alert(DISK_FULL, ends="2026-03-02T08:59:30Z")))
    await pull.house.receive(message(alert(DISK_FULL)))
    assert len(pull.house.desk.board.suspects) == 1
    for twin in pull.twins:
        twin.alerts = [shown(one) for one in (*many(600), DISK_FULL)]
    await pull.once()
    (episode,) = (e for e in pull.house.desk.board.episodes.values() if e.fingerprint == fingerprint(DISK_FULL))
    assert (episode.open, pull.house.desk.board.suspects) == (True, {})
