"""While nothing could be heard, no source was silent and no alert was left untold: such a span does not count."""

from datetime import datetime, timedelta
from typing import Any

from agent.group import INSERT_JOURNAL
from agent.storage.writer import Compressed, Writer
from correlation.own import ORIGIN

_RENEWED = timedelta(minutes=1)
"""A Prometheus tells an alert again after this time at the latest, each time for several times as long."""
_LAST = "SELECT seq, at FROM journal ORDER BY seq DESC LIMIT 1"
_HEARD = "SELECT origin, last_at, apart_s FROM beat WHERE NOT missed AND last_at < ?"
_LEASED = (
    "SELECT e.alert_id, e.expires_at FROM episode e JOIN alert a ON a.id = e.alert_id "
    "WHERE e.open AND e.expires_at <= ? AND a.origin <> ?"
)


async def listen_again(writer: Writer, now: datetime, since: datetime | None = None) -> None:
    """Nothing was heard between `since` and `now`: write what counts on being told again as if that had been no time.

    Without `since` it is the last line of the journal: the daemon was alive then, and how much longer is not known.

    A heartbeat that is not missed yet counts from `now` where at least one beat was due in between: a source that is
    really silent is missed one patience after that. A shorter span changes nothing, for a patience is three beats at
    least: a daemon that starts again and again hides no silence. What a sender has leased (`endsAt` of
    `POST /api/v2/alerts`) and could not renew ends later by the span; of less than a minute every lease has more left.
    Raises StoreDown.
    """
    found = await writer.fetch(_LAST)
    since = since or (found[0][1] if found else None)
    if since is None or since >= now:
        return
    away = now - since
    heard = await writer.fetch(_HEARD, now)
    leased = await writer.fetch(_LEASED, now + away, ORIGIN) if away >= _RENEWED else []
    if not heard and not leased:
        return
    rows: list[tuple[str, list[tuple[Any, ...]]]] = [
        (
            "UPDATE beat SET last_at = ? WHERE origin = ?",
            [(now, origin) for origin, _, apart_s in heard if away >= timedelta(seconds=apart_s)],
        ),
        ("UPDATE episode SET expires_at = ? WHERE alert_id = ?", [(ends_at + away, id_) for id_, ends_at in leased]),
    ]
    # The next start counts from here, so that each of many in a row is as short as it was.
    line = (found[0][0] + 1 if found else 1, now, "listening", "", Compressed(b"{}"))
    await writer.commit([(INSERT_JOURNAL, [line]), *(part for part in rows if part[1])])
