"""Every memory that makes a decision quick, with its bound, as `/metrics` shows it."""

from agent.desk import Desk
from collectors.remembering import Held, shared
from correlation.board import MOST_TOMBSTONES
from correlation.scene import MOST_NEARBY
from correlation.storm import MOST_PLACES
from correlation.together import MOST_SEEN
from correlation.wave import MOST_WAVES
from escalation.roles import MOST_REACHED


def caches(desk: Desk) -> dict[str, Held]:
    """The memories of the process and of this desk, by name."""
    board, rules = desk.board, desk.rules
    return {
        **shared(),
        **rules.classifier.held(),
        **rules.signals.held(),
        **rules.register.held(),
        **desk.config.known_errors.predicates.held(),
        **desk.held(),
        "reached": Held(len(desk.directory.reached), MOST_REACHED),
        "tombstones": Held(len(board.tombstones), MOST_TOMBSTONES),
        "kinds_seen": Held(len(board.seen), MOST_SEEN),
        "waves": Held(len(board.waves), MOST_WAVES),
        "troubles_nearby": Held(board.scene.nearby.size(), MOST_NEARBY),
        "places_opened_in": Held(len(board.openings), MOST_PLACES),
    }
