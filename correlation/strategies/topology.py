"""An alert belongs with the trouble that it came of: on the same item, or on one that its item stands on."""

from collections.abc import Iterator
from typing import Any

from correlation.rules import EvidencePolicy
from correlation.scene import Mark, because, causes, weigh
from correlation.strategy import Evidence, Firing


class Join:
    """Strong evidence by the register of items and the direction of cause between kinds of trouble."""

    id, kind = "topology", "topology"

    def __init__(self, policy: EvidencePolicy) -> None:
        self._policy = policy

    def find(self, firing: Firing, board: Any, rules: Any) -> Iterator[Evidence]:
        scene, mark, settles = board.scene, firing.mark, self._policy.settles
        best: dict[int, tuple[float, int, Mark]] = {}
        for cause, hops in causes(mark, scene, rules):
            incident = board.incidents.get(cause.incident)
            if incident is None or not incident.active:
                continue
            weight = weigh(cause, mark, hops, settles, fires=incident.open_alerts > 0)
            known = best.get(cause.incident)
            if weight >= 0.3 and (known is None or (weight, -cause.id) > (known[0], -known[1])):
                if known is None and scene.comes_of(cause, mark):
                    continue
                best[cause.incident] = (weight, cause.id, cause)
        for incident_id, (weight, _, cause) in best.items():
            yield Evidence("topology", weight, incident_id, because(cause, mark), of=cause.key)
