"""The power fails while alerts come in: what was answered 200 before is in the store, and the store is whole.

`kill -9` cannot tell a store that syncs from one that does not; this replays the cut itself.
"""

import asyncio
import os
import random
import sqlite3
import time
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.real import power_cut
from tests.real.daemon import Tocsin, firing, site
from tests.real.load import tell
from tests.real.parts import WebhookSink, until
from tests.real.power_cut import Operation

CUTS = int(os.environ.get("TOCSIN_CUTS", "250"))


async def recorded(
    open_dir: Path, hook: str, *, failing: bool = False
) -> tuple[list[Operation], list[tuple[float, str]], Path]:
    """A daemon under load whose store's operations are logged; what was done, and when each alert was answered.

    `failing`: once it runs, syncs fail now and then.
    """
    log = open_dir / "operations"
    log.touch()
    log.chmod(0o666)
    preloaded = power_cut.shim(open_dir)
    preloaded.chmod(0o755)
    tocsin = Tocsin(open_dir, site(hook=hook))
    tocsin.environment |= {
        "LD_PRELOAD": str(preloaded),
        "POWER_CUT_LOG": str(log),
        "POWER_CUT_PREFIX": str(tocsin.store),
        "POWER_CUT_FAILING": str(open_dir / "failing"),
    }
    acked: list[tuple[float, str]] = []

    async def send(sender: int) -> None:
        for n in range(10_000):
            name = f"{sender}-{n}"
            if await tell(tocsin, firing(alertname="Load", instance=f"mon-{sender}", n=name)) == 200:
                acked.append((time.monotonic(), name))

    async with tocsin:
        if failing:
            (open_dir / "failing").touch()
        senders = [asyncio.create_task(send(n)) for n in range(4)]
        await until(lambda: len(acked) > 250, "some load")
        for sender in senders:
            sender.cancel()
        await asyncio.gather(*senders, return_exceptions=True)
        await tocsin.kill()
    ours = (str(tocsin.store), f"{tocsin.store}-wal", f"{tocsin.store}-journal")
    return [o for o in power_cut.read_log(log) if o.path in ours], acked, tocsin.store


def judged(
    done: list[Operation], acked: list[tuple[float, str]], store: Path, folder: Path, *, lies: str | None = None
) -> tuple[int, int]:
    """How many cuts lost an alert that was answered before, and how many left a store that is not whole."""
    draw = random.Random(1)
    first = next(n for n, o in enumerate(done) if o.at >= min(at for at, _ in acked))
    places = sorted(draw.sample(range(first, len(done)), min(CUTS, len(done) - first)))
    lost = broken = 0
    for place, files in power_cut.cuts(done, places, draw, lies=lies):
        for path in folder.glob(f"{store.name}*"):
            path.unlink()
        for name, content in files.items():
            (folder / Path(name).name).write_bytes(content)
        answered = {name for at, name in acked if at < done[place].at}
        try:
            with closing(sqlite3.connect(folder / store.name)) as db:
                if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                    broken += 1
                kept = {row[0] for row in db.execute("SELECT json_extract(labels, '$.n') FROM alert")}
        except sqlite3.DatabaseError:
            broken, kept = broken + 1, set()
        lost += not answered <= kept
    return lost, broken


@pytest.mark.real("gcc")
async def test_no_cut_of_the_power_loses_what_was_answered(
    open_dir: Path, tmp_path: Path, webhook_sink: WebhookSink
) -> None:
    done, acked, store = await recorded(open_dir, webhook_sink.url)
    assert sum(o.kind == "s" and o.path.endswith("-wal") for o in done) > 20
    assert judged(done, acked, store, tmp_path) == (0, 0)
    lost, _ = judged(done, acked, store, tmp_path, lies="-wal")
    assert lost > CUTS // 4, "a store that does not sync must be found out: else this test shows nothing"


@pytest.mark.real("gcc")
async def test_a_sync_that_fails_loses_nothing_that_was_answered_before_or_is_answered_after(
    open_dir: Path, tmp_path: Path, webhook_sink: WebhookSink
) -> None:
    done, acked, store = await recorded(open_dir, webhook_sink.url, failing=True)
    failed = [n for n, o in enumerate(done) if o.kind == "e"]
    assert len([n for n in failed if done[n].path.endswith("-wal")]) > 5
    assert judged(done, acked, store, tmp_path) == (0, 0)
    as_if_well = [replace(o, kind="e") if n % 5 == 0 and o.kind == "s" else o for n, o in enumerate(done)]
    lost, _ = judged(as_if_well, acked, store, tmp_path)
    assert lost > 0, "a store that takes a failed sync for a good one must be found out: else this test shows nothing"
