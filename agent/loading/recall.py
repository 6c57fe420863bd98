"""What alerts said of themselves, read again for those whose names no rule knows: they are classified by it."""

from collections.abc import Iterable

from agent.storage.writer import Writer
from collectors.alert import decode_labels
from collectors.labels import unpacked
from collectors.wording import words_of
from correlation.incident import Episode
from correlation.outcome import Rules

_AT_ONCE = 500


async def recall_words(writer: Writer, rules: Rules, episodes: Iterable[Episode]) -> None:
    """Give the alerts of a start their words again."""
    names = ((episode, unpacked(episode.labels).get("alertname", "")) for episode in episodes)
    unknown = {episode.id: episode for episode, name in names if not rules.classifier.knows(name)}
    ids = list(unknown)
    for first in range(0, len(ids), _AT_ONCE):
        part = ids[first : first + _AT_ONCE]
        asked = ", ".join("?" * len(part))
        for number, told in await writer.fetch(f"SELECT id, annotations FROM alert WHERE id IN ({asked})", *part):  # noqa: S608 - ours
            episode = unknown[number]
            episode.words = words_of(decode_labels(told.encode()), unpacked(episode.labels))
