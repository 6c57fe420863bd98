"""What is written down and decides nothing: acts on no incident, and what inspections know after a restart."""

from agent.intents import Noted, Remembered
from agent.storage.store import UPSERT_META, memory_key
from agent.turn import Turn


def noted(turn: Turn, intent: Noted) -> None:
    turn.audit(intent.who, intent.what, intent.facts)


def remembered(turn: Turn, intent: Remembered) -> None:
    turn.group.add(UPSERT_META, memory_key(intent.inspection), intent.memory)
