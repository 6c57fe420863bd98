"""Whether a storm goes on, and what came in it since its holder was told last."""

from collections import Counter
from collections.abc import Iterable

from correlation.incident import Incident, Json
from correlation.outcome import Round
from correlation.storm_state import Storm

_NAMED, _LONGEST = 4, 80
"""So many kinds and items a digest names, in so many characters."""


def is_storming(this: Round) -> bool:
    """Whether there is a storm anywhere."""
    return any(storm_in(this, place) is not None for place in list(this.board.storms))


def storm_of(this: Round, incident: Incident) -> Storm | None:
    """The storm that an incident stands for, where it goes on."""
    found = storm_in(this, incident.storm) if incident.storming is not None and incident.storm is not None else None
    return found[0] if found is not None and found[1] is incident else None


def storm_in(this: Round, place: str) -> tuple[Storm, Incident] | None:
    """The storm in a place, with its incident; it is over when few came for a while, or when its incident has ended."""
    number = this.board.storms.get(place)
    if number is None:
        return None
    incident = this.board.incidents.get(number)
    storm = incident.storming if incident is not None else None
    if incident is not None and storm is not None and incident.active and _goes_on(this, storm):
        return storm, incident
    del this.board.storms[place]
    if incident is not None and storm is not None:
        storm.over = True
        this.out.dirty[incident.id] = incident
    return None


def _goes_on(this: Round, storm: Storm) -> bool:
    policy = this.rules.correlation.storm
    while this.now - storm.counted_from > policy.over_after:
        if storm.count < policy.opened / 2:
            return False
        storm.counted_from, storm.count = storm.counted_from + policy.over_after, 0
    return True


def what_came(this: Round, incident: Incident, since: int) -> Json:
    """What came into an incident after the alert `since`: how many, of which kinds, about which items, the most first.

    It looks at every alert of the incident: to be asked at a bounded pace.
    """
    marks = [mark for mark in this.board.scene.of.get(incident.id, {}).values() if mark.id > since]
    items = Counter(mark.item for mark in marks if mark.item)
    kinds = Counter(mark.name for mark in marks)
    return {
        "count": len(marks),
        "kinds": listed(f"{name} {count}" for name, count in _most(kinds)),
        "items": listed(name for name, _ in _most(items)),
        "firing": incident.open_alerts,
    }


def _most(counted: Counter[str]) -> Iterable[tuple[str, int]]:
    return sorted(counted.items(), key=lambda one: (-one[1], one[0]))


def listed(names: Iterable[str]) -> str:
    """The first of these names, and how many more there are: `a, b, +7`."""
    told: list[str] = []
    left = length = 0
    for name in names:
        length += len(name) + 2
        if left or len(told) >= _NAMED or (told and length > _LONGEST):
            left += 1
        else:
            told.append(name)
    return ", ".join([*told, f"+{left}"] if left else told)
