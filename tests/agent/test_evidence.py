"""What the line writes is evidence: chained over groups, failures and restarts, and verified on the store itself."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from agent import tokens
from agent.__main__ import main
from agent.configuration.site import Retention
from agent.evidence import Report, examine
from agent.intents import ConfigChanged, OldRowsDue
from agent.loading.load import load_desk
from agent.storage.tables import LOCK, UNLOCK
from agent.storage.writer import Unwritable
from tests.agent.http.serving import Served, served
from tests.house import DISK_WARN, alert


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        number = await running.open_incident()
        await running.act(number, "acknowledge", as_="ana")
        await running.act(number, "note", {"text": "logs fill the disk"}, as_="ana")
        await running.receive(alert(DISK_WARN))
        await running.daemon.pipeline.submit(ConfigChanged(running.daemon.config, "root"))
        yield running


def tampered(api: Served, *statements: str) -> None:
    """Change the store as somebody with the file in hand would."""
    db = sqlite3.connect(api.storage.removeprefix("sqlite:///"))
    for (name,) in db.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        db.execute(f"DROP TRIGGER {name}")
    for statement in statements:
        db.execute(statement)
    db.commit()
    db.close()


async def faults(api: Served) -> set[tuple[str, int]]:
    return {(f.chain, f.row) for f in (await examine(api.storage)).faults}


async def verified(api: Served, *words: str) -> Result:
    words = ("audit", "verify", "--storage.url", api.storage, *words)
    return await asyncio.to_thread(CliRunner().invoke, main, list(words))


async def test_what_the_daemon_wrote_is_whole_over_a_restart(api: Served) -> None:
    report: Report = await examine(api.storage)
    assert (report.faults, report.rows["timeline"] >= 4, report.rows["audit"]) == ([], True, 1)
    api.daemon.pipeline.desk = await load_desk(api.daemon.writer, api.daemon.config, api.clock.now())
    await api.report("printer", as_="desk")
    again = await examine(api.storage)
    assert (again.faults, again.rows["timeline"]) == ([], report.rows["timeline"] + 1)


async def test_tokens_made_beside_the_daemon_are_chained_too(api: Served) -> None:
    await tokens.create(api.storage, person="ana", now=api.clock.now(), by="root")
    report = await examine(api.storage)
    assert (report.faults, report.rows["command line"]) == ([], 2 + len(api.tokens))
    tampered(api, "UPDATE audit SET who = 'nobody' WHERE id = -2")
    assert await faults(api) == {("command line", -2)}


@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE timeline SET facts = '{}' WHERE id = 2", {2}),
        ("UPDATE timeline SET at = '2026-03-02 09:00:00.000001' WHERE id = 2", {2}),
        ("UPDATE timeline SET incident_id = 9 WHERE id = 2", {2}),
        ("DELETE FROM timeline WHERE id = 2", {2}),
        ("DELETE FROM timeline WHERE id >= 3", {3}),
        ("UPDATE timeline SET id = 1000 WHERE id = 2", {2}),
        ("UPDATE chain SET last_link = '00' WHERE name = 'timeline'", None),
        ("DELETE FROM chain WHERE name = 'timeline'", None),
    ],
)
async def test_a_row_that_somebody_changed_is_named(api: Served, statement: str, found: set[int] | None) -> None:
    tampered(api, statement)
    named = await faults(api)
    assert named
    assert found is None or ("timeline", min(found)) in named


async def test_a_tail_that_was_cut_off_is_not_written_over(api: Served) -> None:
    tampered(api, "DELETE FROM timeline WHERE id >= 3")
    api.daemon.pipeline.desk = await load_desk(api.daemon.writer, api.daemon.config, api.clock.now())
    await api.report("printer", as_="desk")
    assert {row for _, row in await faults(api)} == {3}


async def test_the_store_itself_refuses_to_change_or_delete_evidence(api: Served) -> None:
    writer = api.daemon.writer
    for table in ("timeline", "audit"):
        for statement in (f"UPDATE {table} SET facts = ?", f"DELETE FROM {table} WHERE facts <> ?"):
            with pytest.raises(Unwritable, match="append-only"):
                await writer.commit([(statement, [("{}",)])])
    unlocked = [(UNLOCK, [("x",)]), ("DELETE FROM audit WHERE who = ?", [("root",)]), (LOCK, [("x",)])]
    await writer.commit(unlocked)
    with pytest.raises(Unwritable, match="append-only"):
        await writer.commit([("DELETE FROM timeline WHERE id = ?", [(1,)])])


async def test_audit_verify_says_what_is_wrong_and_ends_with_one(api: Served) -> None:
    good = await verified(api)
    assert (good.exit_code, good.output.splitlines()[-1]) == (0, "whole")
    tampered(api, "UPDATE timeline SET facts = '{}' WHERE id = 2")
    bad = await verified(api)
    assert bad.exit_code == 1
    assert "timeline row 2: edited: who or what it says is not what was written" in bad.output


async def test_a_head_that_was_noted_shows_a_chain_that_was_written_anew(api: Served) -> None:
    (head,) = [
        line.partition("head ")[2] for line in (await verified(api)).output.splitlines() if "head timeline" in line
    ]
    assert (await verified(api, "--expect", head)).exit_code == 0
    chain, row, _ = head.split(":")
    told = await verified(api, "--expect", f"{chain}:{row}:{'0' * 64}")
    assert (told.exit_code, f"timeline row {row}: rewritten" in told.output) == (1, True)
    assert (await verified(api, "--expect", "x")).exit_code == 2


def test_a_store_that_is_not_there_is_unreachable(tmp_path: Path) -> None:
    words = ["audit", "verify", "--storage.url", f"sqlite:///{tmp_path}/none.db"]
    assert CliRunner().invoke(main, words).exit_code == 4
    assert not (tmp_path / "none.db").exists()


async def test_a_beginning_that_went_without_a_word_in_the_audit_is_found(api: Served) -> None:
    tampered(
        api,
        "UPDATE chain SET base_id = 2, base_link = (SELECT link FROM timeline WHERE id = 2) WHERE name = 'timeline'",
        "DELETE FROM timeline WHERE id <= 2",
    )
    assert await faults(api) == {("timeline", 2)}


async def test_a_beginning_that_the_retention_let_go_of_is_whole_until_more_of_it_goes(api: Served) -> None:
    await api.act((await api.get("/api/v1/incidents")).items[0]["number"], "cancel", {"reason": "a drill"})
    api.clock.set(api.clock.now() + timedelta(days=40))
    kept = replace(api.daemon.config, retention=Retention(timeline=timedelta(days=30)))
    await api.daemon.pipeline.submit(ConfigChanged(kept, "root"))
    assert await api.daemon.pipeline.submit(OldRowsDue(api.clock.now())) is False
    assert await api.daemon.writer.fetch("SELECT COUNT(*) FROM timeline") == [(0,)]
    number = await api.report("printer", as_="desk")
    await api.act(number, "note", {"text": "paper"}, as_="desk")
    assert await faults(api) == set()
    tampered(
        api,
        "UPDATE chain SET base_link = (SELECT MIN(link) FROM timeline), base_id = base_id + 1 WHERE name = 'timeline'",
        "DELETE FROM timeline WHERE id = (SELECT MIN(id) FROM timeline)",
    )
    assert await faults(api)
