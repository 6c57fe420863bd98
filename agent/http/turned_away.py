"""A caller that was turned away is told in the log once, not at every try."""

from collections import OrderedDict
from datetime import datetime, timedelta

import structlog

log = structlog.get_logger("api")
_QUIET_FOR = timedelta(minutes=10)
_MOST_KNOWN = 1024


class TurnedAway:
    """Clients that were turned away of late: no valid token, or a source that nobody knows."""

    def __init__(self) -> None:
        self._told: OrderedDict[str, tuple[datetime, int]] = OrderedDict()

    def note(self, client: str, path: str, now: datetime) -> None:
        """Log the first refusal of a client in ten minutes, with how many there were in the ten before."""
        told_at, since = self._told.get(client, (now - _QUIET_FOR, 0))
        if now - told_at < _QUIET_FOR:
            self._told[client] = (told_at, since + 1)
            return
        log.warning("a caller is turned away", client=client, path=path[:200], not_told=since)
        self._told[client] = (now, 0)
        self._told.move_to_end(client)
        while len(self._told) > _MOST_KNOWN:
            self._told.popitem(last=False)
