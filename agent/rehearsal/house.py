"""The whole house on a hand clock and a store in memory: what rehearsals, replays and stories run on."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from agent.clock import HandClock
from agent.configuration import plugins
from agent.configuration.config import Config
from agent.deciders.rounds import Record
from agent.desk import Desk
from agent.group import Group
from agent.intents import (
    AlertsArrived,
    AlertsFound,
    Intent,
    NoticeActed,
    NoticesDue,
    PagesClaimed,
    PageTried,
    PersonActed,
    PersonReported,
    RoundMade,
    Suggested,
    TimePassed,
)
from agent.loading.absence import listen_again
from agent.loading.load import load_desk
from agent.loops.paging import Claimed, no_links
from agent.metrics import Metrics
from agent.pipeline import Pipeline
from agent.storage import tables
from agent.storage.sqlite import SqliteWriter
from agent.storage.writer import Writer
from collectors.alert import Alert
from correlation.incident import Action, Incident
from correlation.permission import Actor
from escalation.delivery import Attempt
from knowledge.match import match_text


@dataclass(frozen=True)
class Sent:
    """A page as somebody got it."""

    at: datetime
    incident: str
    step: str
    person: str
    notifier: str
    subject: str
    to: str = ""


class House:
    """One daemon without sockets, threads or waiting: the same line, desk and outbox, moved by hand.

    No Alertmanager can be asked here: a suspect is settled by what is seen.
    """

    def __init__(self, config: Config, start: datetime) -> None:
        sources = {n: s.model_copy(update={"api_urls": []}) for n, s in config.sources.items()}
        self.config = replace(config, sources=sources)
        self.clock = HandClock(start)
        self.writer: Writer = SqliteWriter(":memory:", inline=True)
        self.pipeline = Pipeline(self.writer, self.clock, self._load, Metrics())
        self.sent: list[Sent] = []
        self.broken: set[str] = set()
        """Notifiers that refuse every page: a rehearsal of their outage."""
        self._unknown: list[int] = []
        self.pipeline.committed.append(self._after_commit)

    async def _load(self, writer: Writer) -> Desk:
        return await load_desk(writer, self.config, self.clock.now())

    def _after_commit(self, group: Group) -> None:
        self._unknown.extend(group.opened_unknown)

    @property
    def desk(self) -> Desk:
        return self.pipeline.desk

    @property
    def now(self) -> datetime:
        return self.clock.now()

    @property
    def pages(self) -> list[str]:
        """Who was paged, in order."""
        return [s.person for s in self.sent]

    async def open(self) -> "House":
        """Make the store and read the (empty) desk."""
        await self.writer.open()
        if isinstance(self.writer, SqliteWriter):
            await self.writer.script(tables.sqlite_ddl())
        await self.pipeline.start()
        return self

    async def do(self, intent: Intent) -> Any:
        """Put one intent through the line, and do what follows from it at this moment."""
        result = await self.through(intent)
        await self.settle()
        return result

    async def through(self, intent: Intent) -> Any:
        """Put one intent through the line."""
        future = self.pipeline.put(intent)
        await self.pipeline.drain_once()
        while not future.done():  # of a large message that was a part
            await self.pipeline.drain_once()
        return future.result()

    async def receive(self, body: bytes, source: str = "am", kind: str = "alertmanager") -> None:
        """A push source sends a message. Raises collectors.alert.NotThisFormat."""
        config = self.config.sources.get(source)
        origin = self.config.origin(source)
        parsed = plugins.webhook(kind).parse(body, origin, self.now, config.mapping if config else None)
        await self.do(AlertsArrived(source, origin, kind, body, parsed, self.now))

    async def find(self, alerts: list[Alert]) -> None:
        """An inspection has found something."""
        await self.do(AlertsFound(alerts, "inspection"))

    async def act(self, number: str, action: str, body: Mapping[str, Any] | None = None, who: str = "ana") -> Incident:
        """A person acts. Raises what refuses them."""
        acted: Incident = await self.do(PersonActed(number, Action(action), body or {}, self._actor(who)))
        return acted

    async def report(self, body: Mapping[str, Any], who: str = "desk") -> Incident:
        """A person reports an incident."""
        reported: Incident = await self.do(PersonReported(body, self._actor(who)))
        return reported

    async def notice(self, notice: int, action: Literal["hold", "release", "edit"], who: str, text: str = "") -> None:
        """Somebody holds, releases or edits what a customer will be told. Raises what refuses them."""
        await self.do(NoticeActed(notice, action, self._actor(who), text))

    async def round(self, name: str, values: Mapping[str, Any], who: str) -> Record:
        """Somebody has made a round. Raises what refuses them."""
        record: Record = await self.do(RoundMade(name, values, self._actor(who)))
        return record

    def _actor(self, who: str) -> Actor:
        person = self.config.people.get(who)
        roles = frozenset(person.roles) if person else frozenset({"ops", "pm"})
        return Actor(who, roles, self.config.teams_of(who))

    async def settle(self) -> None:
        """Do all that is due at this moment: suggestions, steps, pages."""
        for _ in range(1000):
            if not await self._one_more():
                return
        raise RuntimeError("the house does not come to rest")

    async def _one_more(self) -> bool:
        if self._unknown:
            number = self._unknown.pop(0)
            incident = self.desk.board.incidents.get(number)
            if incident is not None:
                known, confirmed = self.desk.config.known_errors, self.desk.feedback.aliases
                known = known.with_aliases(confirmed) if confirmed else known
                await self.through(Suggested(number, tuple(match_text(incident.report, known))))
            return True
        notices = self.desk.notices.next_due()
        if notices is not None and notices <= self.now:
            await self.through(NoticesDue(self.now))
            return True
        due = self.desk.next_due()
        if self.pipeline.health.down or (due is not None and due <= self.now):
            await self.through(TimePassed())
            return True
        pages = self.desk.outbox.due(self.now)
        if pages:
            for page in await self.through(PagesClaimed(tuple(pages))):
                await self._deliver(page)
        return bool(pages)

    async def _deliver(self, claimed: Claimed) -> None:
        page = claimed.composed(no_links)
        attempt = Attempt(page.page, sent=page.notifier not in self.broken, reason="it is broken, as rehearsed")
        if attempt.sent:
            attempt = Attempt(page.page, sent=True)
            said = page.message.subject
            self.sent.append(Sent(self.now, page.incident, page.step, page.target, page.notifier, said, page.to))
        await self.through(PageTried(attempt))

    async def advance(self, span: timedelta | None = None, **units: float) -> None:
        """Let time pass, stopping at each moment at which something is due."""
        await self.advance_to(self.now + (span or timedelta(**units)))

    async def advance_to(self, moment: datetime) -> None:
        while True:
            due = self.next_due()
            if due is None or due > moment:
                break
            self.clock.set(due)
            await self.settle()
        self.clock.set(moment)
        await self.settle()

    def next_due(self) -> datetime | None:
        """The next moment at which something will happen by itself."""
        moments = (self.desk.next_due(), self.desk.outbox.next_due(), self.desk.notices.next_due())
        return min((m for m in moments if m is not None), default=None)

    async def restart(self) -> None:
        """The daemon dies and comes back: the board is dropped and rebuilt from the store."""
        await listen_again(self.writer, self.now)
        self.pipeline.desk = await self._load(self.writer)
        self._unknown = [incident.id for incident in self.desk.board.incidents.values() if incident.to_rank]
        self.desk.outbox.take_over(self.now)
        await self.settle()

    def incident(self, number: str) -> Incident:
        """An incident on the board. Raises KeyError."""
        return self.desk.board.incidents[self.desk.board.numbers[number]]

    def incidents(self) -> list[Incident]:
        """The incidents on the board, oldest first."""
        return sorted(self.desk.board.incidents.values(), key=lambda i: i.id)

    async def timeline(self, number: str) -> list[tuple[datetime, str, str, dict[str, Any]]]:
        """What happened to an incident: at, kind, actor, facts."""
        rows = await self.writer.fetch(
            "SELECT t.at, t.kind, t.actor, t.facts FROM timeline t JOIN incident i ON i.id = t.incident_id "
            "WHERE i.number = ? ORDER BY t.id",
            number,
        )
        return [(at, kind, actor, msgspec.json.decode(facts)) for at, kind, actor, facts in rows]

    async def close(self) -> None:
        await self.writer.close()
