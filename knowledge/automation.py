"""Actions that known errors may carry: what a site allows, and what keeps one from being run."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, PlainSerializer, model_validator

from collectors.labels import Labels, Matcher, all_match, compile_pattern, matchers_from_yaml
from collectors.rule import Rule, Span, parse_span
from correlation.incident import Incident, Why

MAY_ATTACH = frozenset({"pm", "ops"})
"""Who may give a known error an action over the API, and edit one that has any: where it holds, the action runs."""
NONE = "none"
"""Nobody approves: it is run at once, where no guard stands against it."""
MOST_OF_INCIDENT = 10
"""Actions that wait for one incident at most: a storm is no list of things to approve."""
LONGEST_LIMIT = timedelta(days=7)
_LONGEST_VALUE = 200
_PLACEHOLDER = re.compile(r"\{([A-Za-z_][A-Za-z0-9_]*)\}")
_SHELLS = frozenset({"sh", "bash", "dash", "zsh", "ksh", "ash", "csh", "tcsh", "fish", "busybox", "env"})
_NEVER_FIT = ("", "-", "--x", "; id", "$(id)", "a b", "a\nb", "a|b", "../x")
"""What a strict pattern does not take."""

_Positive = Annotated[Span, Field(gt=timedelta())]
Matchers = Annotated[
    tuple[Matcher, ...],
    BeforeValidator(matchers_from_yaml),
    PlainSerializer(lambda matchers: [str(m) for m in matchers], when_used="json"),
]
Approver = Literal[
    "none", "desk", "l1", "l2", "pm", "dept_manager", "ops", "l1_lead", "l2_lead", "director", "executive"
]


APPROVERS = frozenset({"desk", "l1", "l2", "pm", "dept_manager", "ops"})
"""Whose rights may approve an action at all; which of them does, the action says."""


def _strict(pattern: str) -> str:
    compiled = compile_pattern(pattern)
    taken = [value for value in _NEVER_FIT if compiled.match(value) is not None]
    if taken:
        raise ValueError(
            f"the pattern {pattern!r} takes {taken[0]!r}: name the characters, and let it begin with a letter, a digit "
            "or a slash, as in '[a-z0-9][a-z0-9.:-]*'"
        )
    return pattern


Pattern = Annotated[str, AfterValidator(_strict)]


class StopRule(Rule):
    """While it holds the action is not run.

    `alert`: an alert fires that matches, wherever; with `same` only one whose labels of these names equal those of the
    alert at hand. `category` and `severity`: an incident is active of this category (or below it), and at least so
    severe (1 is the highest); both where both are written.
    """

    reason: Annotated[str, Field(min_length=1, max_length=200)]
    alert: Matchers = ()
    same: tuple[str, ...] = ()
    category: str = ""
    severity: Annotated[int, Field(ge=1, le=4)] | None = None

    @model_validator(mode="after")
    def _says_when(self) -> Self:
        of_incident = bool(self.category or self.severity)
        if bool(self.alert) is of_incident:
            raise ValueError("write alert, or category and severity of an incident: while that is there, it is not run")
        if self.alert and all_match(self.alert, {}):
            raise ValueError("alert holds for every alert: add a label that it must have")
        if self.same and not self.alert:
            raise ValueError("same goes with alert: labels that both alerts share")
        return self

    def holds_for_alert(self, firing: Labels, at_hand: Labels) -> bool:
        """Whether an alert that fires stops an action for the alert at hand."""
        return (
            bool(self.alert)
            and all_match(self.alert, firing)
            and all(firing.get(name) == at_hand.get(name) for name in self.same)
        )

    def holds_for_incident(self, incident: Incident) -> bool:
        """Whether an active incident stops it."""
        if self.alert or not incident.active:
            return False
        in_category = not self.category or f"{incident.category}/".startswith(f"{self.category}/")
        return in_category and (self.severity is None or incident.severity <= self.severity)


class RateLimit(Rule):
    """How often an action is run on one target."""

    runs: Annotated[int, Field(ge=1)] = 1
    within: Annotated[_Positive, Field(le=LONGEST_LIMIT)] = parse_span("1h")


class ActionRule(Rule):
    """One program that a site allows to be run.

    `{label}` in an argument is filled from that label of the alert, where its value as a whole fits the RE2 pattern
    under `labels`. `target` is the label that says what it is done to. `verify`: how long after its end the alert must
    have ended.
    """

    argv: Annotated[tuple[str, ...], Field(min_length=1, max_length=50)]
    labels: dict[str, Pattern] = {}
    target: Annotated[str, Field(min_length=1)] = "instance"
    approve: Approver
    timeout: Annotated[_Positive, Field(le=timedelta(hours=1))] = parse_span("30s")
    limit: RateLimit = RateLimit()
    stop: tuple[StopRule, ...] = ()
    dry_run: bool = False
    verify: _Positive | None = None

    @model_validator(mode="after")
    def _is_a_program(self) -> Self:
        program = self.argv[0]
        if not program.startswith("/") or _PLACEHOLDER.search(program):
            raise ValueError(f"argv begins with {program!r}: write the absolute path of the program")
        if program.rpartition("/")[2] in _SHELLS:
            raise ValueError(f"argv begins with {program!r}, and no shell is ever run: name the program itself")
        used = {name for argument in self.argv for name in _PLACEHOLDER.findall(argument)}
        if bare := sorted(used - self.labels.keys()):
            raise ValueError(
                f"the placeholder {{{bare[0]}}} has no pattern: write labels: {{{bare[0]}: '[a-z0-9][a-z0-9.-]*'}}"
            )
        if idle := sorted(self.labels.keys() - used):
            raise ValueError(f"no argument uses {{{idle[0]}}}: take its pattern out, or write it into argv")
        return self


class AutomationPolicy(Rule):
    """`automation` of tocsin.yaml: off, until a site says otherwise; what is not under `actions` is never run."""

    enabled: bool = False
    dry_run: bool = False
    at_once: Annotated[int, Field(ge=1, le=64)] = 4
    actions: dict[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_.-]*$")], ActionRule] = {}


def not_allowed(action: str, policy: AutomationPolicy) -> str:
    """Return the sentence that refuses an action which the site does not allow."""
    known = f" (allowed: {', '.join(sorted(policy.actions))})" if policy.actions else ""
    return f"the action {action!r} is not on the allow-list: write it under automation.actions of tocsin.yaml{known}"


class Hindered(Exception):
    """An action cannot be run; `why` says which guard stands against it."""

    def __init__(self, code: str, **facts: Any) -> None:
        super().__init__(code)
        self.why = Why(code, facts)


def filled(rule: ActionRule, labels: Labels) -> list[str]:
    """Return the arguments for an alert of these labels. Raises Hindered for a value that is not to be trusted."""
    values = {name: _value(name, pattern, labels) for name, pattern in rule.labels.items()}
    return [_PLACEHOLDER.sub(lambda found: values[found[1]], argument) for argument in rule.argv]


def _value(name: str, pattern: str, labels: Labels) -> str:
    value = labels.get(name, "")
    if not value:
        raise Hindered("action_value_missing", label=name)
    safe = len(value) <= _LONGEST_VALUE and value.isprintable() and not value.startswith("-")
    if not safe or compile_pattern(pattern).match(value) is None:
        raise Hindered("action_value_refused", label=name, value=value[:_LONGEST_VALUE])
    return value


def targets_of(rule: ActionRule, labels: Labels) -> list[str]:
    """Return every value that says what the action is done to: its target, and the labels in its arguments."""
    return list(dict.fromkeys(labels[name] for name in (rule.target, *rule.labels) if labels.get(name)))


def check_stop_rules(
    rule: ActionRule, at_hand: Labels, firing: Iterable[Labels], incidents: Sequence[Incident]
) -> None:
    """Raise Hindered for the first stop rule that holds."""
    of_alerts = [stop for stop in rule.stop if stop.alert]
    for stop in rule.stop:
        found = next((one for one in incidents if stop.holds_for_incident(one)), None)
        if found is not None:
            raise Hindered("action_stop_rule", reason=stop.reason, by=found.number)
    if not of_alerts:
        return
    for labels in firing:
        for stop in of_alerts:
            if stop.holds_for_alert(labels, at_hand):
                raise Hindered("action_stop_rule", reason=stop.reason, by=_named(labels))


def _named(labels: Mapping[str, str]) -> str:
    return " ".join(filter(None, (labels.get("alertname"), labels.get("instance") or labels.get("ups"))))
