"""Old rows go, as the retention says; what an incident holds stays."""

from datetime import timedelta

from agent.group import INSERT_JOURNAL
from agent.house import House
from agent.intents import LetterDied, OldRowsDue
from agent.journal_size import JournalSize
from tests.house import DISK_FULL, START, alert, at, message


async def counts(house: House) -> dict[str, int]:
    tables = ("journal", "dead_letter", "alert", "episode", "incident", "timeline")
    return {t: (await house.writer.fetch(f"SELECT count(*) FROM {t}"))[0][0] for t in tables}


async def test_old_journal_letters_and_stale_firings_go_and_incidents_stay(house: House) -> None:
    await house.receive(message(alert(DISK_FULL)))
    await house.receive(message(alert({"alertname": "Never"}, ends=at(START))))
    await house.do(LetterDied("am", "no JSON", b"{", house.now))
    await house.advance(days=200)
    before = await counts(house)
    await house.do(OldRowsDue())
    after = await counts(house)
    assert after["dead_letter"] == 0
    ((oldest,),) = await house.writer.fetch("SELECT min(at) FROM journal")
    assert 0 < after["journal"] < before["journal"]
    assert str(oldest) >= str(house.now - timedelta(days=35))[:19]
    assert after["incident"] == before["incident"]
    assert after["timeline"] == before["timeline"]
    assert before["alert"] - after["alert"] == before["episode"] - after["episode"] == 1


async def test_fresh_rows_stay(house: House) -> None:
    await house.receive(message(alert({"alertname": "Never"}, ends=at(START))))
    await house.advance(timedelta(days=10))
    before = await counts(house)
    await house.do(OldRowsDue())
    assert await counts(house) == before


async def test_a_journal_that_weighs_too_much_lets_go_of_its_oldest_rows(house: House) -> None:
    rows = [(seq, house.now, "webhook/alertmanager", "am", b"x" * 100) for seq in range(1, 2501)]
    await house.writer.commit([(INSERT_JOURNAL, rows)])
    size = JournalSize()
    assert await size.too_much(house.writer, 250_000) == 0
    through = await size.too_much(house.writer, 160_000)
    assert through == 1000
    await house.do(OldRowsDue(through))
    assert await house.writer.fetch("SELECT MIN(seq), COUNT(*) FROM journal") == [(1001, 1500)]
    assert await size.too_much(house.writer, 160_000) == 0


async def test_the_newest_rows_of_the_journal_stay_whatever_they_weigh(house: House) -> None:
    await house.writer.commit([(INSERT_JOURNAL, [(1, house.now, "report", "ana", b"x" * 5000)])])
    assert await JournalSize().too_much(house.writer, 1) == 0
