"""An alert belongs with the trouble that it came of: on the same item, or on one that its item stands on."""

from collections.abc import Iterator
from functools import partial
from itertools import chain
from typing import Any

from correlation.causes import causes
from correlation.rules import EvidencePolicy
from correlation.scene import Mark
from correlation.strategy import Evidence, Firing
from correlation.unwritten import unwritten_causes
from correlation.weighing import because, nearness, weigh


class Join:
    """Strong evidence by the register of items and the direction of cause between kinds of trouble."""

    id, kind = "topology", "topology"

    def __init__(self, policy: EvidencePolicy) -> None:
        self._settles, self._settles_s = policy.settles, policy.settles.total_seconds()
        self._unwritten = policy.unwritten

    def find(self, firing: Firing, board: Any, rules: Any) -> Iterator[Evidence]:
        scene, mark, settles_s, incidents = board.scene, firing.mark, self._settles_s, board.incidents
        best: dict[int, tuple[float, Mark, int, float]] = {}
        latest = mark.starts_at + self._settles
        nearby = unwritten_causes(mark, scene, rules, self._unwritten)
        for cause, hops in chain(causes(mark, firing.twins, scene, rules), nearby):
            if cause.starts_at > latest:
                continue
            incident = incidents.get(cause.incident)
            if incident is None or not incident.active:
                continue
            weight = weigh(cause, mark, hops, settles_s, fires=incident.open_alerts > 0, least=_LEAST)
            if weight < _LEAST:
                continue
            known, near = best.get(cause.incident), nearness(cause, mark, hops)
            if known is None:
                if scene.comes_of(cause, mark):
                    continue
            elif not _is_surer(weight * near, cause, known[0] * known[3], known[1]):
                continue
            best[cause.incident] = (weight, cause, hops, near)
        for incident_id, (weight, cause, hops, near) in best.items():
            tell = partial(because, cause, mark, hops)
            yield Evidence("topology", weight, incident_id, tell, of=cause.key, near=near)


def _is_surer(weight: float, cause: Mark, known_weight: float, known: Mark) -> bool:
    """Whether one cause is surer than another; of equals always the same one, whoever was told first."""
    return cause.key < known.key if weight == known_weight else weight > known_weight


_LEAST = 0.3
"""What explains less is no evidence."""
