"""What is wrong with routes beyond their form: an id twice, and nobody told of all that is left."""

from collections.abc import Iterator, Sequence

from agent.configuration.faults import Fault, fault_at
from agent.configuration.layers import Layered
from collectors.labels import all_match
from correlation.classify import Route


def route_faults(layered: Layered, routes: Sequence[Route]) -> Iterator[tuple[Fault, bool]]:
    """Yield what is wrong with the routes of rules.yaml, and whether it must not be used so."""
    ids = [route.id for route in routes]
    for place, route in enumerate(routes):
        if route.id in ids[:place]:
            message = f"two routes have the id {route.id!r}: rename one"
            yield fault_at(layered.marks, ("routes", place, "id"), message), True
        if not route.pages and all_match(route.match, {}):
            message = f"route {route.id!r} takes all that is left, and nobody is told of it: is that meant?"
            yield fault_at(layered.marks, ("routes", place, "pages"), message, key=True), False
