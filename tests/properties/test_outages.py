"""Whatever comes, in any order: each alert is in one place, nothing waits for nothing, a restart changes nothing."""

import asyncio
import os
from collections.abc import Sequence

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.properties.outage import MOVES, Move, Outage

_LIVES = os.environ.get("TOCSIN_LIVES")
_SETTINGS = settings(
    max_examples=int(_LIVES or 40),
    deadline=None,
    derandomize=_LIVES is None,
    suppress_health_check=list(HealthCheck),
)
_PLAYS = st.lists(MOVES, min_size=4, max_size=30)


async def _played(moves: Sequence[Move]) -> list[str]:
    """The faults and differences after each move, until there are any."""
    outage = await Outage().play(())
    try:
        for move in moves:
            await outage.step(move)
            found = [*outage.faults(), *await outage.differences()]
            if found:
                return [str(move), *found]
        return []
    finally:
        await outage.house.close()


async def _outcome(moves: Sequence[Move], cuts: Sequence[int] = ()) -> object:
    outage = await Outage(cuts).play(moves)
    try:
        return outage.partition()
    finally:
        await outage.house.close()


@_SETTINGS
@given(_PLAYS)
@example([("many", 13, 5), ("all_end", 7, 5), ("silence", 3, 1), ("fires", 18, 0), ("ends_untold", 18, 3)])
@example([("fires", 14, 2), ("fires", 7, 5), ("merge", 0, 7), ("all_end", 0, 1), ("end_first", 14, 2), ("merge", 1, 0)])
@example([("fires", 1, 0), ("fires", 0, 0), ("split", 0, 1), ("ends", 1, 0), ("fires", 1, 0), ("wait", 4, 0)])
def test_each_alert_is_in_one_incident_and_the_store_has_all_that_decides(moves: list[Move]) -> None:
    assert asyncio.run(_played(moves)) == []


@_SETTINGS
@given(_PLAYS, st.sets(st.integers(1, 29), min_size=1, max_size=4))
@example(
    [("fires", 1, 0), ("fires", 2, 0), ("fires", 0, 0), ("fires", 3, 0), ("ends", 0, 0), ("fires", 4, 0)], {3, 4, 5}
)
@example(
    [("fires", 16, 0), ("fires", 17, 0), ("fires", 18, 0), ("fires", 15, 0), ("fires", 13, 0), ("fires", 6, 0)], {3, 5}
)
@example(
    [("fires", 12, 0), ("fires", 25, 0), ("fires", 24, 0), ("fires", 23, 0), ("fires", 26, 0), ("fires", 11, 0)], {2, 4}
)
def test_a_restart_in_the_middle_changes_no_join_no_root_and_no_page(moves: list[Move], cuts: set[int]) -> None:
    assert asyncio.run(_outcome(moves, sorted(cuts))) == asyncio.run(_outcome(moves))
