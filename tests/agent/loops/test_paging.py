"""What pages say is put into words once for all who are told at one moment, and each says what it would say alone."""

from agent.intents import AlertsArrived, TimePassed
from agent.loops.paging import Briefing, claimed
from agent.rehearsal.house import House
from collectors.webhooks.alertmanager import parse
from escalation.page_facts import Described
from tests.house import DISK_FULL, alert, message


def _links(number: str, person: str) -> dict[str, str]:
    return {"open": f"https://tocsin/{number}", "acknowledge": f"https://tocsin/ack/{number}/{person}"}


async def test_pages_of_one_moment_share_their_words_and_say_what_each_would_say_alone(house: House) -> None:
    body = message(alert(DISK_FULL), alert({**DISK_FULL, "instance": "db-2:9100"}))
    await house.through(AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", house.now), house.now))
    await house.through(TimePassed())
    desk = house.desk
    pages = list(desk.outbox.pages.values())
    assert len(pages) > 2
    briefing = Briefing(desk.config, desk.board, desk.past)
    together = [briefing.claimed(page, desk.board.incidents[page.incident_id]) for page in pages]
    rows = {
        row: Described({"runbook_url": f"https://wiki/{row}"}, f"http://prom/{row}")
        for one in together
        for row in one.alerts
    }
    for page, one in zip(pages, together, strict=True):
        alone = claimed(page, desk.board.incidents[page.incident_id], desk.config, desk.board, desk.past)
        assert one.composed(_links, rows) == alone.composed(_links, rows)
        assert one.composed(_links, {}) == alone.composed(_links, {}), "without descriptions: nothing of them is left"
    number = pages[0].incident_id
    desk.board.incidents[number].to_rank = True
    looking = Briefing(desk.config, desk.board, desk.past).claimed(pages[0], desk.board.incidents[number])
    assert (together[0].facts.looked_for, looking.facts.looked_for) == (True, False)
    words = {(one.facts.number, one.language): one.facts.said for one in together}
    assert all(one.facts.said is words[one.facts.number, one.language] for one in together)
    texts = {one.language: one.composed(_links, {}).message.text for one in together}
    assert "Group: sys-ops" in texts["en"]
    assert "处理组：系统运维" in texts["zh"]


async def test_a_page_begins_with_the_root_and_with_what_helps_with_that(house: House) -> None:
    """A database is told of first, then the host that it stands on: the host is what they are called for."""
    at_first = {"alertname": "PostgresDown", "instance": "db-1:9187", "severity": "critical"}
    cause = {"alertname": "HostDown", "instance": "db-1:9100", "severity": "critical"}
    for labels in (at_first, cause):
        body = message(alert(labels))
        await house.through(AlertsArrived("am", "am", "alertmanager", body, parse(body, "am", house.now), house.now))
    await house.through(TimePassed())
    desk = house.desk
    (incident,) = (one for one in desk.board.incidents.values() if one.active)
    page = next(page for page in desk.outbox.pages.values() if page.incident_id == incident.id)
    one = claimed(page, incident, desk.config, desk.board, desk.past)
    assert [a["labels"]["alertname"] for a in one.facts.alerts] == ["HostDown", "PostgresDown"]
    assert one.facts.known_errors[0].id == "host-down"
    assert incident.title.startswith("PostgresDown")
    described = one.composed(_links, {one.alerts[0]: Described({"summary": "no ping"})})
    assert "Likely root: HostDown db-1:9100: no ping" in described.message.text
    assert "Likely root: HostDown db-1:9100\n" in one.composed(_links, {}).message.text
    named = incident.root
    assert named is not None
    incident.root = {**named, "why": {"code": "person", "facts": {"by": "ana", "reason": "seen"}}}
    told = claimed(page, incident, desk.config, desk.board, desk.past).composed(_links, {}).message.text
    assert "Likely root: HostDown db-1:9100 (ana said so: seen)" in told
