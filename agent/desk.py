"""The desk: what is open, in memory, and the rules in force; `agent/deciders` move it, intent by intent.

It reads no database: `agent/loading` fills it at the start, and brings back what had left it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from agent.configuration.config import Config
from agent.configuration.plugins import strategy
from agent.configuration.site import OURS, SourceConfig
from agent.ladder import Ladder
from agent.loading.old_rows import Due
from collectors.labels import Labels
from collectors.remembering import Held
from correlation.board import Board
from correlation.classify import Classifier
from correlation.configuration_item import ItemEdit, Register, laid_over, next_end, ring_through
from correlation.correlate import (
    NOTHING_HOLDS,
    Round,
    Rules,
    suppression,
)
from correlation.incident import RELAPSABLE, Episode, Incident
from correlation.inhibit import Inhibitors
from correlation.major import is_reviewed
from correlation.signals import Signals
from correlation.strategies.same_alert import Join as SameAlert
from correlation.timeline import Chains
from correlation.topology import Topology
from correlation.window import lay, windows_of
from escalation.agenda import Agenda
from escalation.notice_book import NoticeBook
from escalation.outbox import Outbox
from escalation.recovery import Heard
from escalation.roles import Directory
from escalation.rota import RotaChange, laid
from knowledge.casebook import Casebook
from knowledge.feedback import Feedback
from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.past import Past
from knowledge.run import Runs
from knowledge.written import Laid, WrittenError
from knowledge.written import laid_over as errors_laid_over

MOST_MAILS = 10_000
_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Desk:
    """All that a decider may look at and change beside its intent.

    `board`: open incidents and alerts. `agenda`: the pending steps of incidents, by due instant; `ladder` plans them.
    `outbox`: pages that were promised. `notices`: notices by the calendar. `casebook`: problems and changes.
    `chains`: the heads of the evidence. `runs`: actions. `config`, `rules`, `directory`: what is decided by.
    """

    def __init__(self, config: Config) -> None:
        self.board = Board()
        self.agenda = Agenda()
        self.outbox = Outbox()
        self.notices = NoticeBook()
        self.chains = Chains()
        self.ladder = Ladder(self.agenda, config)
        self.seq = 0
        self.unread: set[int] = set()
        """Incidents read from the store, without who was paged for them: read when somebody acts."""
        self.rota: dict[str, RotaChange] = {}
        """What people have laid over the schedules, by id; what is over is let go of when the store is read."""
        self.counts: Counter[str] = Counter()
        self.casebook = Casebook()
        self.past = Past()
        self.feedback = Feedback()
        self.item_edits: list[ItemEdit] = []
        """What people wrote over the configuration items, in order; some of it may have ended."""
        self.runs = Runs()
        self.written: dict[str, WrittenError] = {}
        """The known errors that people wrote, by id."""
        self.to_recognise: dict[int, datetime] = {}
        """Incidents that the known errors of another configuration have still to be held against, and when."""
        self.looks_whether_told: dict[int, datetime] = {}
        """By incident: when it is looked next whether its alerts are still told."""
        self.told_held: dict[int, str] = {}
        """By incident, the silence of which its timeline was told last that it holds the steps."""
        self.reached: dict[int, list[Heard]] = {}
        """By incident that is about to recover, whom its pages have reached: read for the next decision."""
        self.read: list[dict[str, Any]] = []
        """Rows read for the one intent that is decided next."""
        self.summaries: dict[int, str] = {}
        """By the id of a firing, what its sender calls it: read for the one act that is decided next."""
        self.mails: dict[str, str] = {}
        """By the key of a mail, the number of its incident: of mails that came or were looked for of late."""
        self.attached: dict[str, int] = {}
        """By the number of an incident, the bytes attached to it, as far as was looked for of late."""
        self.due_to_go = Due()
        """What the retention lets go of next."""
        self.register, self.items_end_at = Register(config.topology), next_end((), _LONG_AGO)
        """The configuration items, and when the next of `item_edits` ends; None: none of them ever does."""
        self._filed, self._filed_errors = config.topology, config.known_errors
        self.config, self.rules = config, rules_of(config)
        self._apply()

    def configure(self, config: Config, now: datetime, laid: Laid | None = None) -> None:
        """Decide by another configuration from here on, with what people wrote over its items as it holds at `now`.

        What alerts have taught of items goes on. `laid` is its library under what people had written when it was read.
        """
        before = self.laid
        if laid is not None and not self.config.is_library_read:
            self.written = {**laid.written, **self.written}
        self._filed, self._filed_errors = config.topology, config.known_errors
        self._use(config)
        self.lay_items(now)
        self._lay_known_errors(laid or Laid(self._filed_errors, {}), before)
        self._apply()

    def _apply(self) -> None:
        self.ladder.terms.hold(self.config.version, self.config.sla, self.config.escalation)
        self.lay_rota()
        self._rebuild_inhibitors()

    def _use(self, config: Config) -> None:
        """The ladder goes by the same configuration as the desk."""
        self.config = self.ladder.terms.config = config

    def lay_items(self, now: datetime) -> None:
        """Lay what people wrote over the configuration items of the files, as it holds at `now`."""
        self._use(replace(self.config, topology=laid_over(self._filed, self.item_edits, now)))
        self.register, self.items_end_at = Register(self.config.topology), next_end(self.item_edits, now)
        before, self.rules = self.rules, rules_of(self.config)
        self.rules.register.carry_over(before.register)

    def ring_through(self, edit: ItemEdit) -> list[str]:
        """The ring that an edit of an item would close."""
        return ring_through(edit.item, self._filed, [*self.item_edits, edit], edit.at)

    def lay_windows(self, now: datetime) -> None:
        """Have the windows of the configuration hold what they hold at this moment."""
        lay(self.board, self.rules.windows, now)

    @property
    def laid(self) -> Laid:
        """The known errors in force, with what people wrote of them."""
        return Laid(self.config.known_errors, self.written)

    def hold_written(self, laid: Laid) -> None:
        """Have the known errors that people wrote as the store has them, over those of the files."""
        self.written = dict(laid.written)
        self._use(replace(self.config, known_errors=laid.library))

    def _lay_known_errors(self, over: Laid, before: Laid) -> None:
        """Lay what people wrote since then over a library; what stands `before` as it is now is not judged again."""
        known: Library = errors_laid_over(over.library, over.since(self.written), before)
        self._use(replace(self.config, known_errors=known))

    def lay_known_error(self, entry: KnownError) -> None:
        """Lay one entry that was just written over the others; the rest of the library is not counted again."""
        known = self.config.known_errors.with_entries([entry])
        self._use(replace(self.config, known_errors=known))

    def lay_rota(self) -> None:
        """Have who is on call decided by the schedules in force and what people have laid over them."""
        config, over = self.config, laid(self.rota.values())
        self.notices.replan()
        self.directory = Directory(
            config.people, config.groups, config.schedules, config.fallback, over, config.escalation.one_rota
        )

    def _rebuild_inhibitors(self) -> None:
        self.board.inhibitors = Inhibitors(self.config.inhibitions)
        if self.config.inhibitions:
            for episode in self.board.episodes.values():
                if episode.open:
                    self.board.inhibitors.add(episode.key, self.board.labels(episode))

    def leaves_at(self, incident: Incident) -> datetime:
        """From when on an incident that is not active can come back by a person's act alone."""
        if incident.state not in RELAPSABLE or incident.resolved_at is None:
            return incident.updated_at
        return incident.resolved_at + self.rules.correlation.dedup.refire_window + timedelta(microseconds=1)

    def archives_at(self, incident: Incident) -> datetime | None:
        """When the agent archives it, in packs without a review; None: a person does. A major one is reviewed first."""
        after = self.rules.states.auto_recovered.archive_after
        if after is None or incident.state not in RELAPSABLE or incident.resolved_at is None:
            return None
        return max(incident.resolved_at + after, self.leaves_at(incident)) if is_reviewed(incident) else None

    def is_over(self, incident: Incident, now: datetime) -> bool:
        """Whether an incident takes no alert of its own back any more."""
        return not incident.active and self.leaves_at(incident) <= now

    def is_over_by_id(self, incident: int, now: datetime) -> bool:
        """The same of an incident that the board may not hold any more."""
        held = self.board.incidents.get(incident)
        return held is None or self.is_over(held, now)

    def next_due(self) -> datetime | None:
        """When time alone will next change something."""
        board = self.board
        moments = [self.agenda.next_due(), self.items_end_at, self.runs.next_verification()]
        if board.suppressed.get(NOTHING_HOLDS):
            moments.append(_LONG_AGO)
        if not board.deaf:
            moments.extend(self._untold())
        moments.extend(s.ends_at for s in board.silences.values())
        for suspect in board.suspects.values():
            ended = board.episodes.get(suspect.key)
            since = ended.closed_at if ended and ended.closed_at else suspect.last_at
            moments.append(since + self.rules.suspect_window(suspect.origin) + timedelta(microseconds=1))
        return min((m for m in moments if m is not None), default=None)

    def _untold(self) -> Iterator[datetime]:
        """When an alert expires, and when each heartbeat counts as missed, should they not be told again."""
        if self.board.expiries:
            yield self.board.expiries[0][0]
        after = self.rules.correlation.silent_source.after
        for beat in self.board.beats.values():
            if not beat.missed:
                yield beat.last_at + max(after, timedelta(seconds=3 * beat.apart_s))

    def held(self) -> dict[str, Held]:
        """How full its memories of mails are."""
        return {"mails": Held(len(self.mails), MOST_MAILS), "attached": Held(len(self.attached), MOST_MAILS)}

    def remember_pages(self, rows: Iterable[tuple[Any, ...]]) -> None:
        """Who was called for which steps, as the rows of PAGED say."""
        for incident, step, person, rank, seeks, heard in rows:
            self.outbox.remember(incident, step, person, rank, seeks=bool(seeks), heard=bool(heard))

    def watch(self, incident: Incident) -> None:
        """Have an incident read from the store come up when time alone will change it."""
        for moment in (incident.resolves_at, incident.resume_at, incident.held_until, incident.digest_at):
            if moment is not None:
                self.agenda.look_at(incident.id, moment)
        if not incident.active:
            self.agenda.look_at(incident.id, self.leaves_at(incident))

    def hold_back(self, episode: Episode, labels: Labels, now: datetime) -> None:
        """A suppressed alert read from the store is held by what suppresses it now; by nothing: looked at again."""
        reason = suppression(Round(self.board, self.rules, now), episode, labels)
        self.board.suppressed.setdefault(reason[0] if reason else NOTHING_HOLDS, set()).add(episode.key)

    def hold_back_again(self, now: datetime) -> None:
        """The rules have changed: what was suppressed is held by what suppresses it now."""
        held = sorted(set().union(*self.board.suppressed.values()))
        self.board.suppressed.clear()
        for key in held:
            episode = self.board.episodes[key]
            self.hold_back(episode, self.board.labels(episode), now)

    def is_wanted(self, number: int) -> bool:
        """Whether a claimed page has still to be sent: meanwhile somebody may have taken the incident."""
        page = self.outbox.pages.get(number)
        return page is not None and self.outbox.is_wanted(page, self.board.incidents.get(page.incident_id))

    def seeks_somebody_gone(self, number: int) -> bool:
        """Whether a page asks somebody to take an incident who is of this site no more."""
        page = self.outbox.pages.get(number)
        return page is not None and page.seeks_responder and page.person not in self.config.people


def _patience_of(by_origin: Mapping[str, SourceConfig]) -> Callable[[str], timedelta | None]:
    """How long alerts of an origin may be told no more: of Alertmanagers, which repeat what fires."""
    spans = {
        origin: source.untold_after if source.type == "alertmanager" else None for origin, source in by_origin.items()
    }
    spans |= dict.fromkeys(OURS)
    half_a_day = timedelta(hours=12)
    return lambda origin: spans.get(origin, half_a_day)


def rules_of(config: Config) -> Rules:
    """What correlation is told by a configuration."""
    by_origin = {source.origin or name: source for name, source in config.sources.items()}
    ten_minutes = timedelta(minutes=10)
    return Rules(
        classifier=Classifier(config.classification, config.severity),
        correlation=config.correlation,
        states=config.states,
        strategies=[
            SameAlert(),
            *(strategy(rule.type).Join(rule) for rule in config.join_rules),
            *(strategy(name).Join(config.correlation.evidence) for name in ("source_group", "text")),
        ],
        finders=[strategy(name).Join(config.correlation.evidence) for name in ("topology", "learned")],
        signals=Signals(config.correlation.signals),
        register=Topology(config.topology, config.correlation.items),
        zone=config.zone,
        criticality=Register(config.topology).criticality if config.topology else lambda _: "",
        tier_of=lambda group: config.groups[group].tier if group in config.groups else "l1",
        suspect_window=lambda origin: by_origin[origin].suspect_window if origin in by_origin else ten_minutes,
        untold_after=_patience_of(by_origin),
        asks_sender=lambda origin: origin in by_origin and bool(by_origin[origin].api_urls),
        config_version=config.version,
        windows=windows_of(config.windows, config.calendars, config.classification.routes),
    )
