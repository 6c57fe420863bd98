"""Senders that keep a daemon busy, and what must be so afterwards."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.real.daemon import SOURCE_TOKEN, Tocsin, Yaml, firing, message
from tests.real.running import until


async def tell(tocsin: Tocsin, *alerts: Yaml, token: str = SOURCE_TOKEN, source: str = "am") -> int:
    """Post one webhook and return the status."""
    status, _ = await tocsin.ask("POST", f"/webhooks/alertmanager/{source}", message(*alerts), token)
    return status


class Load:
    """Senders that post new alerts as fast as they are answered; `acked` are those that got their 200."""

    def __init__(self, tocsin: Tocsin, run: str) -> None:
        self._tocsin, self._run = tocsin, run
        self.acked: set[str] = set()
        self.sent = 0
        self.answers: Counter[int] = Counter()

    async def _send(self) -> None:
        while True:
            self.sent += 4
            names = [f"{self._run}-{n}" for n in range(self.sent - 4, self.sent)]
            status = await tell(self._tocsin, *(firing(alertname="Load", instance="mon-1", n=name) for name in names))
            self.answers[status] += 1
            if status == 200:
                self.acked.update(names)
            elif status == 0:
                return

    def has(self, enough: int) -> bool:
        return len(self.acked) >= enough

    @asynccontextmanager
    async def running(self, senders: int = 6) -> AsyncIterator["Load"]:
        """Send until this is left; a sender that finds nobody there stops earlier."""
        tasks = [asyncio.create_task(self._send()) for _ in range(senders)]
        try:
            yield self
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def nothing_acked_is_lost(tocsin: Tocsin, acked: set[str]) -> None:
    """All that was acked is there once, and counted; of senders that were stopped the last words may still come in."""

    async def counted() -> Counter[str]:
        known = Counter(alert["labels"].get("n") for alert in await tocsin.alerts())
        (incident,) = await tocsin.incidents()
        return known if incident["record"]["open_alerts"] == len(known) else Counter()

    known = await until(counted, "as many alerts as their incident counts")
    assert acked - set(known) == set()
    assert [n for n, times in known.items() if times > 1] == []
