"""Old rows go, as the retention says; what an incident holds stays."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta

import msgspec
import pytest
from structlog.testing import capture_logs

from agent.configuration.site import Retention
from agent.evidence import LET_GO
from agent.group import INSERT_JOURNAL
from agent.intents import LetterDied, OldRowsDue
from agent.loops.journal_size import JournalSize
from agent.rehearsal.house import House
from correlation.rows import select
from correlation.store import SELECT_CHAINS
from correlation.tables import TimelineRow
from correlation.timeline import TIMELINE, Chain, Kept, verify
from tests.house import DISK_FULL, START, alert, at, message


async def counts(house: House) -> dict[str, int]:
    tables = ("journal", "dead_letter", "alert", "episode", "incident", "timeline", "touch")
    return {t: (await house.writer.fetch(f"SELECT count(*) FROM {t}"))[0][0] for t in tables}


async def test_old_journal_letters_and_stale_firings_go_and_incidents_stay(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    for _ in range(2):
        await house.receive(message(alert({"alertname": "Never"}, ends=at(START))))
    await house.do(LetterDied("am", "no JSON", b"{", house.now))
    await house.advance(days=200)
    before = await counts(house)
    await let_go(house)
    after = await counts(house)
    assert after["dead_letter"] == 0
    ((oldest,),) = await house.writer.fetch("SELECT min(at) FROM journal")
    assert 0 < after["journal"] < before["journal"]
    assert str(oldest) >= str(house.now - timedelta(days=35))[:19]
    assert after["incident"] == before["incident"]
    assert after["timeline"] == before["timeline"]
    assert before["alert"] - after["alert"] == before["episode"] - after["episode"] == 1
    assert before["touch"] - after["touch"] == 1


async def test_fresh_rows_stay(house: House) -> None:
    await house.receive(message(alert({"alertname": "Never"}, ends=at(START))))
    await house.advance(timedelta(days=10))
    before = await counts(house)
    await house.do(OldRowsDue(house.now))
    assert await counts(house) == before


async def test_a_journal_that_weighs_too_much_lets_go_of_its_oldest_rows(house: House) -> None:
    rows = [(seq, house.now, "webhook/alertmanager", "am", b"x" * 100) for seq in range(1, 2501)]
    await house.writer.commit([(INSERT_JOURNAL, rows)])
    size = JournalSize()
    assert await size.too_much(house.writer, 250_000) == 0
    through = await size.too_much(house.writer, 160_000)
    assert through == 1000
    await house.do(OldRowsDue(house.now, through))
    assert await house.writer.fetch("SELECT MIN(seq), COUNT(*) FROM journal") == [(1001, 1500)]
    assert await size.too_much(house.writer, 160_000) == 0


async def test_the_newest_rows_of_the_journal_stay_whatever_they_weigh(house: House) -> None:
    await house.writer.commit([(INSERT_JOURNAL, [(1, house.now, "report", "ana", b"x" * 5000)])])
    assert await JournalSize().too_much(house.writer, 1) == 0


# what the site sets: incidents and their timelines

MONTH = timedelta(days=30)


def keeping(house: House, **spans: timedelta) -> None:
    """Have the retention of the site say this."""
    config = replace(house.config, retention=Retention(**spans))  # type: ignore[arg-type]  # spans are spans
    house.config = config
    house.desk.configure(config, house.now)


async def let_go(house: House) -> None:
    while await house.do(OldRowsDue(house.now)):
        pass


async def archived(house: House, name: str) -> str:
    """An incident that is over and done with; return its number."""
    await house.receive(message(alert({"alertname": name, "instance": name})))
    number = house.incidents()[-1].number
    await house.receive(message(alert({"alertname": name, "instance": name}, ends=at(house.now))))
    await house.act(number, "cancel", {"reason": "a drill"}, who="admin")
    return number


async def chain(house: House) -> list[str]:
    """What a look at the chain of the timeline finds wrong."""
    ((name, last_id, last_link, base_id, base_link),) = await house.writer.fetch(
        f"{SELECT_CHAINS} WHERE name = ?", TIMELINE
    )
    rows = await house.writer.fetch(select(TimelineRow, "ORDER BY id"))
    head = Chain(name, last_id, last_link, base_id, base_link)
    return [fault.text for fault in verify(head, [Kept(*row) for row in rows], {})]


async def test_timelines_go_from_the_beginning_where_the_site_says_so_and_the_chain_stays_whole(house: House) -> None:
    await archived(house, "Old")
    await house.advance(MONTH * 3)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    before = await counts(house)
    await let_go(house)
    assert (await counts(house))["timeline"] == before["timeline"]
    keeping(house, timeline=MONTH)
    await let_go(house)
    after = await counts(house)
    assert 0 < after["timeline"] < before["timeline"]
    assert after["incident"] == before["incident"]
    assert await chain(house) == []
    ((facts,),) = await house.writer.fetch("SELECT facts FROM audit WHERE what = ?", LET_GO)
    through = msgspec.json.decode(facts)["through"]
    assert await house.writer.fetch("SELECT MIN(id) FROM timeline") == [(through + 1,)]
    await house.restart()
    await house.receive(message(alert({"alertname": "New", "instance": "x"}, starts=at(house.now))))
    assert await chain(house) == []


async def test_a_start_after_all_of_the_timeline_went_finds_nothing_wrong_with_it(house: House) -> None:
    await archived(house, "DiskFull")
    keeping(house, timeline=MONTH)
    await house.advance(MONTH * 3)
    await let_go(house)
    assert (await counts(house))["timeline"] == 0
    with capture_logs() as told:
        await house.restart()
    assert told == []
    await house.receive(message(alert({"alertname": "New", "instance": "x"}, starts=at(house.now))))
    assert await chain(house) == []


async def test_an_incident_that_is_open_keeps_its_timeline_and_what_came_after_it(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await archived(house, "Later")
    await house.advance(MONTH * 3)
    keeping(house, timeline=MONTH)
    before = await counts(house)
    await let_go(house)
    assert (await counts(house))["timeline"] == before["timeline"]


async def test_incidents_that_are_over_go_with_all_that_is_theirs(house: House) -> None:
    number = await archived(house, "Old")
    await house.advance(MONTH * 3)
    await house.receive(message(alert(DISK_FULL, starts=at(house.now))))
    keeping(house, incidents=MONTH)
    await let_go(house)
    left = await house.writer.fetch("SELECT number FROM incident")
    assert [n for (n,) in left] == [i.number for i in house.incidents()]
    assert number not in {n for (n,) in left}
    for table in ("step", "page", "episode", "timeline"):
        theirs = f"SELECT count(*) FROM {table} WHERE incident_id NOT IN (SELECT id FROM incident) AND incident_id <> 0"
        assert await house.writer.fetch(theirs) == [(0,)], table


async def test_what_goes_is_counted(house: House) -> None:
    await archived(house, "Old")
    await house.advance(MONTH * 3)
    keeping(house, incidents=MONTH)
    before = await counts(house)
    await let_go(house)
    value: Callable[..., float | None] = house.pipeline.metrics.registry.get_sample_value
    for table in ("incident", "timeline", "journal"):
        gone = before[table] - (await counts(house))[table]
        assert value("tocsin_rows_let_go_total", {"table": table}) == gone > 0, table


async def test_rows_go_some_at_a_time_until_none_is_left(house: House) -> None:
    rows = [(seq, house.now, "report", "ana", b"x") for seq in range(1, 2502)]
    await house.writer.commit([(INSERT_JOURNAL, rows)])
    await house.restart()
    await house.advance(days=40)
    assert await house.do(OldRowsDue(house.now)) is True
    assert await house.writer.fetch("SELECT COUNT(*) FROM journal WHERE seq <= 2501") == [(1501,)]
    await let_go(house)
    assert await house.writer.fetch("SELECT COUNT(*) FROM journal WHERE seq <= 2501") == [(0,)]


def test_a_timeline_outlives_no_incident() -> None:
    with pytest.raises(ValueError, match="timeline is longer than incidents"):
        Retention(timeline=MONTH * 2, incidents=MONTH)
