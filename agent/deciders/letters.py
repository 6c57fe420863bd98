"""Messages that could not be taken: kept as dead letters, and told."""

from agent.deciders.correlated import take_in
from agent.intents import LetterDied
from agent.storage.store import INSERT_DEAD_LETTER
from agent.turn import Turn
from correlation.own import BRIEFLY, ORIGIN, own_alert


def letter_died(turn: Turn, intent: LetterDied) -> None:
    bury_letter(turn, intent.source, intent.reason, intent.body)
    if intent.told:
        tell_of_letter(turn, intent.source, intent.reason)


def bury_letter(turn: Turn, source: str, reason: str, body: bytes) -> None:
    letter = turn.board.next_id("dead_letter")
    turn.group.add(INSERT_DEAD_LETTER, letter, turn.now, source[:200], reason[:2000], len(body), body[:65_536])
    turn.desk.counts["dead_letter"] += 1


def tell_of_letter(turn: Turn, source: str, reason: str) -> None:
    """One self-incident per source; whoever is no source of ours cannot open as many as they like."""
    summary = f"a message of {source} could not be taken: {reason}"[:300]
    labels = {"source": source} if source in turn.config.sources else {}
    take_in(turn, [own_alert("DeadLetter", labels, summary, turn.now, lasts=BRIEFLY)], "self", ORIGIN)
