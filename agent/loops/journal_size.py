"""What the journal weighs: each row is weighed once, so that a look costs what is new since the last one."""

from collections import deque

from agent.storage.writer import Writer

_AT_ONCE = 1_000
_FRESH = f"(SELECT seq, body FROM journal WHERE seq > ? ORDER BY seq LIMIT {_AT_ONCE}) AS fresh"  # noqa: S608 - ours
_WEIGH = f"SELECT MAX(seq), SUM(LENGTH(body)), COUNT(*) FROM {_FRESH}"  # noqa: S608 - ours


class JournalSize:
    """The journal in pieces of some rows, the oldest first: the last row of each, and its bytes as stored."""

    def __init__(self) -> None:
        self._pieces: deque[tuple[int, int]] = deque()
        self._last = 0

    async def too_much(self, writer: Writer, most: int) -> int:
        """The last of the oldest rows that have to go for the others to weigh `most` bytes; 0: none. Raises StoreDown.

        The newest piece stays, whatever it weighs.
        """
        await self._weigh(writer)
        ((oldest,),) = await writer.fetch("SELECT COALESCE(MIN(seq), 0) FROM journal")
        while self._pieces and self._pieces[0][0] < oldest:
            self._pieces.popleft()
        weight, through = sum(size for _, size in self._pieces), 0
        for last, size in list(self._pieces)[:-1]:
            if weight <= most:
                break
            weight, through = weight - size, last
        return through

    async def _weigh(self, writer: Writer) -> None:
        while True:
            ((last, size, count),) = await writer.fetch(_WEIGH, self._last)
            if not count:
                return
            self._pieces.append((last, int(size)))
            self._last = last
            if count < _AT_ONCE:
                return
