"""A person is erased: nothing that is stored names them any more, and the evidence stays whole."""

import asyncio
import json
import sqlite3
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Any, cast

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent import tokens
from agent.__main__ import main
from agent.erasing.tables import BY_NAME
from agent.erasing.walk import Erasing, identity
from agent.evidence import examine
from agent.intents import LetterDied, RowsErased
from agent.pipeline import Pipeline
from agent.storage import tables
from agent.storage.writer import StoreDown
from tests.agent.http.serving import START, Served, served
from tests.house import alert
from tests.real.parts import Database

REPORTER, PHONE = "张三", "138-0013-8000"


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def fill(api: Served) -> tuple[str, str]:
    """Somebody reports and is spoken of; ana works, also on what is still open."""
    reported = await api.report("张三的打印机", reporter=REPORTER, symptom=f"please call {PHONE}")
    await api.act(reported, "note", {"text": f"rang 张三 at {PHONE}, nobody there"}, as_="desk")
    await api.act(reported, "callback", {"reached": True, "persists": False, "remark": "张三 is content"}, as_="desk")
    held = await api.open_incident()
    await api.act(held, "assign", {"person": "ana"}, as_="desk")
    await api.settle()
    await api.act(held, "acknowledge", as_="ana")
    await api.act(held, "note", {"text": "I looked at the disk"}, as_="ana")
    await api.act(held, "note", {"text": "bananas are no person"}, as_="desk")
    silence = {"matchers": ['alertname="X"'], "ends_at": "2026-03-03T09:00:00Z", "comment": "mine"}
    await api.post("/api/v1/silences", silence, as_="ana")
    await api.daemon.pipeline.submit(LetterDied("am", "no JSON", f"from 张三 {PHONE}".encode(), START))
    return reported, held


async def erase(api: Served, person: str, *also: str, as_: str = "root") -> Any:
    return await api.post("/api/v1/people/erase", {"person": person, "also": list(also)}, as_=as_)


async def stored(api: Served) -> str:
    """Everything that is stored, as text; bytes are unpacked."""
    said = []
    for table in tables.metadata.sorted_tables:
        for row in await api.daemon.writer.fetch(f'SELECT * FROM "{table.name}"'):
            for value in row:
                said.append(_text(value))
    return "\n".join(said)


def _text(value: Any) -> str:
    if not isinstance(value, bytes):
        return str(value)
    try:
        return zlib.decompress(value).decode("utf-8", "replace")
    except zlib.error:
        return value.decode("utf-8", "replace")


WITHOUT_PEOPLE = {"beat", "chain", "counter", "known_error_tally", "mail", "meta", "touch"}
"""Tables in which nobody is named."""


def test_every_table_says_where_people_stand_in_it() -> None:
    assert {table.name for table in tables.metadata.sorted_tables} - set(BY_NAME) == WITHOUT_PEOPLE


async def test_a_reporter_is_erased_with_their_words_and_what_was_said_of_them(api: Served) -> None:
    reported, _ = await fill(api)
    assert "张三" in await stored(api)
    answered = await erase(api, REPORTER, PHONE)
    assert answered.status == 200, answered.text
    assert {"incident", "timeline", "journal", "dead_letter"} <= answered.body["rows"].keys()
    said = await stored(api)
    assert [word for word in (REPORTER, PHONE) if word in said] == []
    alias = answered.body["erased_as"]
    shown = (await api.get(f"/api/v1/incidents/{reported}")).body
    assert (shown["record"]["reporter"], shown["record"]["symptom"]) == (alias, "(erased)")
    told = [h["facts"].get("text") for h in (await api.get(f"/api/v1/incidents/{reported}/timeline")).items]
    assert "(erased)" in told


ON_HER_DESK = {"alertname": "LoginFailed", "instance": "张三-pc", "user": "张三", "severity": "warning"}
SAID: dict[str, Any] = {
    "annotations": {"summary": "张三 cannot log in", "runbook": "https://wiki/login"},
    "generatorURL": 'http://prom/graph?expr=x{user="张三"}',
}


async def alerted(api: Served) -> None:
    """One alert that names somebody fires, another one has ended; a sender of plain ASCII told of the second."""
    await api.receive(alert(ON_HER_DESK, **SAID))
    ended = {**ON_HER_DESK, "instance": "张三-phone"}
    body = json.dumps({"version": "4", "alerts": [alert(ended, **SAID)], "groupKey": '{}:{user="张三"}'}).encode()
    sent = {"Authorization": "Bearer am-secret-token", "Content-Type": "application/json"}
    await api.call("POST", "/webhooks/alertmanager/am", as_="", data=body, headers=sent)
    await api.receive(alert(ended, ends="2026-03-02T09:00:00Z", **SAID))


async def test_what_alerts_carry_is_looked_through_where_that_is_asked_for(api: Served) -> None:
    await alerted(api)
    await erase(api, REPORTER)
    assert "张三 cannot log in" in await stored(api)
    answered = await api.post("/api/v1/people/erase", {"person": REPORTER, "alerts": True}, as_="root")
    assert {"alert", "journal"} <= answered.body["rows"].keys()
    alias = answered.body["erased_as"]
    rows = await api.daemon.writer.fetch(
        "SELECT a.labels, a.annotations, e.open FROM alert a JOIN episode e ON e.alert_id = a.id ORDER BY a.id"
    )
    ((fires, said, _), (ended, _, _)) = [(json.loads(labels), json.loads(told), o) for labels, told, o in rows]
    assert said == {"summary": "(erased)", "runbook": "https://wiki/login"}
    assert [bool(o) for _, _, o in rows] == [True, False]
    assert (ended["instance"], ended["user"], ended["severity"]) == (f"{alias}-phone", alias, "warning")
    assert fires["user"] == REPORTER  # it is known by that while it fires
    bodies = [_text(body) for (body,) in await api.daemon.writer.fetch("SELECT body FROM journal")]
    assert [b for b in bodies if REPORTER in b or "\\u5f20" in b] == []
    assert any(f"{alias}-phone" in b and '{}:{user=\\"' + alias in b for b in bodies)
    assert (await examine(api.storage)).faults == []


async def test_what_fires_goes_on_as_the_same_alert_and_is_erased_once_it_has_ended(api: Served) -> None:
    await alerted(api)
    before = [i["number"] for i in (await api.get("/api/v1/incidents")).items]
    whom = {"person": REPORTER, "alerts": True}
    await api.post("/api/v1/people/erase", whom, as_="root")
    await api.receive(alert(ON_HER_DESK, **SAID))
    assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == before
    await api.receive(alert(ON_HER_DESK, ends="2026-03-02T09:00:10Z", **SAID))
    await api.post("/api/v1/people/erase", whom, as_="root")
    said = await stored(api)
    assert [form for form in (REPORTER, "\\u5f20") if form in said] == []
    assert [i["number"] for i in (await api.get("/api/v1/incidents")).items] == before


async def test_who_set_a_root_is_named_there_no_more(api: Served) -> None:
    number = await api.open_incident()
    (one,) = (await api.get(f"/api/v1/incidents/{number}")).body["alerts"]
    await api.act(number, "set-root", {"alert": f"{one['fingerprint']}@{one['startsAt']}"}, as_="luis")
    answered = await erase(api, "luis")
    shown = (await api.get(f"/api/v1/incidents/{number}")).body
    assert shown["root"]["why"]["facts"]["by"] == answered.body["erased_as"]


async def test_the_evidence_is_whole_before_and_after_and_a_changed_row_is_still_found(api: Served) -> None:
    await fill(api)
    heads = (await examine(api.storage)).heads
    noted = {h.split(":")[0]: {int(h.split(":")[1]): h.split(":")[2]} for h in heads}
    await erase(api, REPORTER, PHONE)
    await erase(api, "ana")
    assert (await examine(api.storage, noted)).faults == []
    db = sqlite3.connect(api.storage.removeprefix("sqlite:///"))
    ((erased,),) = db.execute("SELECT MAX(id) FROM timeline WHERE erased_by > 0").fetchall()
    db.execute(tables.UNLOCK, ("x",))
    db.execute('UPDATE timeline SET facts = \'{"text":"mended"}\' WHERE id = ?', (erased,))
    db.execute(tables.LOCK, ("x",))
    db.commit()
    db.close()
    assert {(f.chain, f.row) for f in (await examine(api.storage)).faults} == {("timeline", erased)}


async def test_who_worked_here_is_gone_too_and_what_they_held_is_back_with_its_group(api: Served) -> None:
    _, held = await fill(api)
    answered = await erase(api, "ana")
    assert answered.body["still_in"] == ["people.yaml"]
    shown = (await api.get(f"/api/v1/incidents/{held}")).body
    assert (shown["state"], shown["assignee"], shown["group"]) == ("assigned", None, "sys-ops")
    timeline = (await api.get(f"/api/v1/incidents/{held}/timeline")).items
    notes = [(h["actor"], h["facts"]["text"]) for h in timeline if h["kind"] == "note"]
    assert notes == [(answered.body["erased_as"], "(erased)"), ("desk", "bananas are no person")]
    rows = await api.daemon.writer.fetch("SELECT person, address, open FROM page WHERE person LIKE 'erased-%'")
    assert rows
    assert {(address, bool(is_open)) for _, address, is_open in rows} == {("", False)}
    del api.tokens["ana"]
    await api.settle()
    reached = {p.person for p in api.daemon.pipeline.desk.outbox.pages.values()}
    assert "erased" not in "".join(reached)


async def test_what_the_daemon_holds_in_memory_brings_no_name_back(api: Served) -> None:
    reported, _ = await fill(api)
    await erase(api, REPORTER, PHONE)
    await api.act(reported, "note", {"text": "still at it"}, as_="desk")
    assert REPORTER not in await stored(api)


class Heard:
    """A line that notes the intents of an erasure before it takes them."""

    def __init__(self, api: Served) -> None:
        self._line, self.intents = api.daemon.pipeline, list[RowsErased]()

    async def submit(self, intent: Any) -> Any:
        if isinstance(intent, RowsErased):
            self.intents.append(intent)
        return await self._line.submit(intent)


async def test_however_many_rows_there_are_the_desk_is_read_anew_twice_and_last_of_all(api: Served) -> None:
    await fill(api)
    who, line = identity("ana", (), api.daemon.config), Heard(api)
    await Erasing(cast(Pipeline, line), api.daemon.engine).erase(who, "root")
    anew = [at for at, intent in enumerate(line.intents) if intent.read_anew]
    changed = [at for at, intent in enumerate(line.intents) if intent.keys and intent.table != "audit"]
    assert len(anew) == 2, "after the pages, and after all tables"
    assert [intent.table for intent in line.intents[: anew[0]]] == ["page"]
    first_look = [at for at in changed if at < anew[1]]
    assert len(first_look) > 5
    assert not any(line.intents[at].table == "incident" for at in changed if at > anew[1])


async def test_a_token_of_theirs_is_gone(api: Served) -> None:
    await tokens.create(api.storage, person="luis", now=api.clock.now())
    await erase(api, "luis")
    assert [t for t in await tokens.listed(api.storage) if t.person == "luis"] == []


async def test_erasing_again_changes_nothing(api: Served) -> None:
    await fill(api)
    await erase(api, REPORTER, PHONE)
    before = await stored(api)
    again = await erase(api, REPORTER, PHONE)
    assert (again.status, again.body["erased_as"], again.body["rows"]) == (200, None, {})
    assert await stored(api) == before


async def test_what_a_crash_left_half_erased_is_erased_by_doing_it_again(
    api: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported = await api.report("the printer", reporter=REPORTER, reporter_contact=PHONE)
    await api.act(reported, "note", {"text": f"rang {PHONE}, nobody there"}, as_="desk")
    erasing, pipeline = Erasing(api.daemon.pipeline, api.daemon.engine), api.daemon.pipeline
    submit = pipeline.submit

    def cut_at(nth: int) -> Callable[[Any], Awaitable[Any]]:
        counter = count(1)

        async def submit_or_crash(intent: Any) -> Any:
            if next(counter) == nth:
                raise StoreDown("the power is cut")
            return await submit(intent)

        return submit_or_crash

    cuts = 0
    for nth in range(1, 100):
        who = identity(REPORTER, (), api.daemon.config)
        monkeypatch.setattr(pipeline, "submit", cut_at(nth))
        try:
            await erasing.erase(who, "root")
        except StoreDown:
            cuts += 1
        else:
            break
    assert cuts > 1
    said = await stored(api)
    assert [word for word in (REPORTER, PHONE) if word in said] == []


async def test_only_ops_may_and_nobody_erases_themselves(api: Served) -> None:
    for who in ("desk", "pat", "dora", "vic", "cus"):
        assert (await erase(api, REPORTER, as_=who)).status == 403
    assert (await erase(api, "root")).status == 409
    assert (await api.post("/api/v1/people/erase", {}, as_="root")).status == 422


async def test_alerts_that_arrive_meanwhile_are_taken(api: Served) -> None:
    await fill(api)
    erasing = asyncio.create_task(erase(api, REPORTER, PHONE))
    number = await api.open_incident({"alertname": "LinkDown", "instance": "sw-9", "severity": "warning"})
    assert (await erasing).status == 200
    assert (await api.get(f"/api/v1/incidents/{number}")).status == 200
    assert (await examine(api.storage)).faults == []


async def test_the_command_says_what_it_did(api: Served) -> None:
    await fill(api)
    words = ["person", "erase", REPORTER, "--also", PHONE, "--url", api.url, "--token", await api.token("root")]
    done = await asyncio.to_thread(CliRunner().invoke, main, words)
    assert (done.exit_code, "erased as erased-" in done.output) == (0, True), done.output
    again = await asyncio.to_thread(CliRunner().invoke, main, [*words, "--json"])
    assert json.loads(again.output)["rows"] == {}


@pytest.mark.parametrize("person", [REPORTER, "ana"])
async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres: Database, person: str) -> None:
    async with served(tmp_path, postgres.url) as api:
        await fill(api)
        answered = await erase(api, person, *([PHONE] if person == REPORTER else []))
        assert answered.status == 200, answered.text
        assert (await examine(api.storage)).faults == []
        if person == REPORTER:
            assert REPORTER not in await stored(api)
