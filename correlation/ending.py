"""Episodes end: told, found by a pull, or expired; what they held back is looked at again."""

import heapq
from collections.abc import Iterable
from datetime import datetime

from collectors.labels import Labels
from correlation.heartbeat import miss_beat
from correlation.holding import held_key
from correlation.incident import Episode, Incident, Key
from correlation.joining import release
from correlation.outcome import Round
from correlation.rest import fires_no_more


def end_episode(this: Round, episode: Episode, ends_at: datetime, ends_text: str, code: str) -> None:
    """An episode is over; its incident may be, and what it inhibited is looked at again."""
    board, labels = this.board, this.board.labels(episode)
    heartbeat = episode.decision == "heartbeat" and code != "end_untold"
    incident = board.incidents.get(episode.incident)
    member = incident is not None and episode.key in board.members.get(incident.id, ())
    episode.open, episode.ends_at, episode.ends_text, episode.closed_at = False, ends_at, ends_text, this.now
    episode.last_at, episode.expires_at = this.now, None
    board.bury(episode)
    this.out.changed[episode.id] = episode
    mark = board.scene.marks.get(episode.key)
    if mark is not None and mark.id == episode.id:
        mark.ends_at = ends_at
    count_change(this, episode.key)
    for reason_key in list(board.suppressed) if episode.decision == "suppressed" else ():
        board.suppressed[reason_key].discard(episode.key)
    freed = board.inhibitors.remove(episode.key, labels)
    if incident is not None and member:
        _leave(this, incident, episode, labels, code)
    if heartbeat:
        miss_beat(this, episode.origin, "watchdog_resolved")
    for held in freed:
        release(this, held_key(held))


def _leave(this: Round, incident: Incident, episode: Episode, labels: Labels, code: str) -> None:
    incident.open_alerts -= 1
    this.out.count(this.out.ended, incident, labels.get("alertname", ""), code)
    if incident.open_alerts > 0 or not incident.active:
        return
    wait = this.rules.states.auto_recovered.stable_for
    if is_flapping(this, episode.key):
        wait = max(wait, this.rules.correlation.flapping.hold)
        this.out.tell(incident, "flapping", alertname=labels.get("alertname", ""), hold_s=round(wait.total_seconds()))
    fires_no_more(this, incident, wait)


def count_change(this: Round, key: Key) -> None:
    """Note that an alert began or ended; of so many changes as make it flapping."""
    policy = this.rules.correlation.flapping
    changes = this.board.changes.setdefault(key, [])
    changes.append(this.now)
    del changes[: -policy.changes]


def is_flapping(this: Round, key: Key) -> bool:
    """Whether an alert has changed often lately (`flapping` in correlation.yaml)."""
    policy = this.rules.correlation.flapping
    changes = this.board.changes.get(key, [])
    return len(changes) >= policy.changes and this.now - changes[0] <= policy.within


def end_episodes(this: Round, episodes: Iterable[Episode], code: str) -> None:
    """Close episodes whose end nobody told: hidden behind a silence or a truncation, found by a pull."""
    for episode in list(episodes):
        end_episode(this, episode, this.now, "", code)


def expire(this: Round) -> None:
    """Close what its sender has not told again before the end it announced (`POST /api/v2/alerts`)."""
    heap = this.board.expiries
    while heap and heap[0][0] <= this.now:
        _, key = heapq.heappop(heap)
        episode = this.board.episodes.get(key)
        if episode is None or not episode.open or episode.expires_at is None:
            continue
        if episode.expires_at <= this.now:
            end_episode(this, episode, episode.expires_at, "", "expired")
        else:
            heapq.heappush(heap, (episode.expires_at, key))
