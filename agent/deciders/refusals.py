"""What refuses an act of a person and changes nothing: each carries the sentence that the person is answered with."""

from agent.deciders.automation import IllegalRun, NoSuchRun
from agent.deciders.checks import NoSuchRound
from agent.deciders.customers import NoSuchNotice, NoticeOver
from agent.deciders.items import ItemConflict, NoSuchItem
from agent.deciders.library import FiledKnownError, NoSuchKnownError
from agent.deciders.records import Stale
from agent.deciders.rota import NoSuchChange
from agent.turn import NoSuchIncident
from correlation.act import Lowered
from correlation.attachment import TooMuch
from correlation.incident import IllegalAction
from correlation.need import Missing, NotNow
from correlation.permission import Forbidden
from knowledge.casebook import NoSuchCase
from knowledge.change import IllegalChangeAction
from knowledge.improvement import IllegalImprovementAction
from knowledge.problem import IllegalProblemAction
from knowledge.written import BadEntry

REFUSALS = (
    TooMuch,
    BadEntry,
    FiledKnownError,
    Forbidden,
    IllegalAction,
    IllegalChangeAction,
    IllegalImprovementAction,
    IllegalProblemAction,
    IllegalRun,
    ItemConflict,
    Lowered,
    Missing,
    NoSuchCase,
    NoSuchChange,
    NoSuchIncident,
    NoSuchItem,
    NoSuchKnownError,
    NoSuchNotice,
    NoSuchRound,
    NoticeOver,
    NoSuchRun,
    NotNow,
    Stale,
)
"""Any other exception of a decider is a fault of ours."""
