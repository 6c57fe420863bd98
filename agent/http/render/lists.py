"""The rows of lists as they are shown: alerts, pages, silences, dead letters."""

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING

from agent.http import list_views, views
from agent.http.masking import MASKED
from agent.http.reads.alerts import AlertPair
from agent.http.render.stored import decision_of, ends_text, json_of, starts_text
from agent.storage.store import DeadLetterRow
from correlation.silence import Silence
from escalation.page_words import reason_text
from escalation.store import PageRow

if TYPE_CHECKING:
    from agent.http.render.reader import Reader


def alert_shown(reader: "Reader", pair: AlertPair, numbers: Mapping[int, str]) -> list_views.AlertView:
    """A firing; `numbers` are those of incidents, by id."""
    alert, episode = pair
    return list_views.AlertView(
        key=f"{alert.fingerprint}@{starts_text(pair)}",
        origin=alert.origin,
        source=alert.source,
        fingerprint=alert.fingerprint,
        startsAt=starts_text(pair),
        endsAt=ends_text(pair),
        status="firing" if episode.open else "resolved",
        decision=decision_of(episode.decision),
        labels=json_of(alert.labels),
        annotations=json_of(alert.annotations),
        generatorURL=alert.generator_url,
        count=episode.count,
        received_at=alert.received_at,
        repairs=alert.repairs.split(",") if alert.repairs else [],
        why=reader.why(json_of(episode.why)),
        incident=numbers.get(episode.incident_id),
    )


def page_shown(reader: "Reader", row: PageRow, numbers: Mapping[int, str]) -> list_views.PageView:
    """A page with its reason; `numbers` are those of incidents, by id."""
    reason = json_of(row.reason)
    return list_views.PageView(
        key=row.key,
        incident=numbers.get(row.incident_id, ""),
        step=row.step,
        target=row.person,
        role=row.role,
        channel=row.notifier,
        reason=views.Why(code=reason["code"], facts=reason["facts"], text=reason_text(reason, row.role, reader.spoken)),
        attempts=row.attempts,
        outcome=row.state,
        detail=row.outcome,
        due_at=row.due_at,
        created_at=row.created_at,
        next_attempt_at=row.next_attempt_at if row.open else None,
        sent_at=row.sent_at,
    )


def silence_shown(silence: Silence, now: datetime) -> list_views.SilenceView:
    """A silence, and whether it holds now."""
    return list_views.SilenceView(
        id=silence.id,
        matchers=[str(m) for m in silence.matchers],
        starts_at=silence.starts_at,
        ends_at=silence.ends_at,
        created_by=silence.created_by,
        comment=silence.comment,
        created_at=silence.created_at,
        state=silence.state(now),
        window=silence.window or None,
    )


def dead_letter_shown(row: DeadLetterRow, *, masked: bool = False) -> list_views.DeadLetterView:
    """What could not be taken, and how it begins; `masked`: not what it says."""
    excerpt = MASKED if masked else row.body[:8000].decode("utf-8", "replace")[:2000]
    return list_views.DeadLetterView(
        id=row.id, at=row.at, source=row.source, reason=row.reason, size=row.size, excerpt=excerpt
    )
