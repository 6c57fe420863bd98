"""Category, group, urgency and impact of an alert, by rules over its labels (procedure R19, R51, R52)."""

from collections.abc import Sequence
from typing import Annotated, Literal, NamedTuple, Self

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from collectors.labels import Labels, Matcher, all_match, compile_pattern, matchers_from_yaml
from collectors.remembering import Held
from collectors.rule import Rule, Span
from correlation.severity import SeverityPolicy

_Said = Annotated[str, StringConstraints(min_length=1)]
Match = Annotated[tuple[Matcher, ...], BeforeValidator(matchers_from_yaml)]


class Verdict(Rule):
    """What a classification rule sets; what it leaves out is decided by the label or the default."""

    category: str | None = None
    group: str | None = None
    urgency: int | None = None
    impact: int | None = None
    service: str | None = None
    service_affecting: bool | None = None
    kind: Literal["incident", "service_request", "hazard", "complaint", "change_request"] | None = None
    playbook: str | None = None


class ClassificationRule(Rule):
    id: str
    match: Match
    set: Verdict


class Route(Rule):
    """Whose the alerts are that match: the group alone; what they are and how bad is for the rules to say.

    The first that matches takes the alert. One with `continue` takes none: its group is told besides. What one takes
    whose `pages` is false opens nothing, and nobody is told of it.
    """

    id: str
    match: Match
    group: str = ""
    goes_on: bool = Field(default=False, alias="continue")
    pages: bool = True

    @model_validator(mode="after")
    def _of_somebody(self) -> Self:
        if self.pages and not self.group:
            raise ValueError(f"route {self.id}: write its group; where nobody is to be told, write pages: false")
        if self.goes_on and not self.pages:
            raise ValueError(f"route {self.id} goes on, so that it takes nothing: leave pages: false or continue out")
        return self


def _searched(pattern: str) -> str:
    """A pattern as it is looked for within an expression, in any case; raises BadMatcher."""
    compile_pattern(found := f"(?is).*(?:{pattern}).*")
    return found


class Reading(Rule):
    """What a Prometheus rule looks at tells what its alerts are about, whatever they are called."""

    reads: Annotated[str, AfterValidator(_searched)]
    """A regex (RE2), looked for in the expression in any case."""
    rule: str
    """The id of the classification rule that such alerts are of; one that there is not says nothing."""
    unless: Literal["named"] | list[str] = []
    """It says little: the name counts where a rule knows it (`named`), or one of these rules does."""

    def leaves(self, rule: str) -> bool:
        """Whether the rule that knows the name knows more."""
        return self.unless == "named" or rule in self.unless


class Unclassified(Rule):
    category: str = "unclassified"
    group: str = "desk"
    urgency: int = 3
    impact: int = 3
    alarm_after: Span | None = None
    """For how long an incident may wait at the desk with no category or grade; null: for as long as it does (R51)."""
    by_words: bool = True
    """What no rule knows by its name is known by its summary, for its category and group alone."""
    alarm_to: list[str] = ["desk", "pm"]
    """The roles that are told then, once."""


class StandardChange(Rule):
    """What is written into the request for a change that is always made the same way."""

    risk: _Said
    plan: _Said
    back_out: _Said


class Changes(Rule):
    """Which incidents are really changes (procedure R6), beside those of kind `change_request`."""

    categories: list[str] = []
    """Of these a request for change is proposed."""
    standard: dict[str, StandardChange] = {}
    """Of these the agent raises it, by category; a person approves it like any other."""


class Classification(Rule):
    """classification.yaml: the first rule that matches wins; a site's rules (rules.yaml) come first."""

    unclassified: Unclassified = Unclassified()
    changes: Changes = Changes()
    categories: dict[str, list[str]] = {}
    """The tree that people choose from: each category with its sub-categories (procedure 4.5)."""
    rules: list[ClassificationRule] = []
    routes: list[Route] = []
    """The first that matches says the group, whatever the rules say of it."""
    expressions: list[Reading] = []
    """The first that is found in the expression of an alert's Prometheus rule says what kind of trouble it is."""

    def known(self) -> list[str]:
        """Every category there is: those of the tree, and what the rules set; none where no tree is written."""
        if not self.categories:
            return []
        tree = [name for root, parts in self.categories.items() for name in (root, *(f"{root}/{p}" for p in parts))]
        set_by_rules = [rule.set.category for rule in self.rules if rule.set.category is not None]
        return list(
            dict.fromkeys(
                [*tree, *set_by_rules, *self.changes.categories, *self.changes.standard, self.unclassified.category]
            )
        )


class Class(NamedTuple):
    """Where an alert belongs and how bad it is; `rule` is the id of the rule that said so, or ""."""

    category: str
    group: str
    urgency: int
    impact: int
    severity: int
    service: str
    rule: str
    service_affecting: bool | None = None
    """What the rule says of the service; None: it says nothing of it."""
    kind: str = ""
    """What it is, where the rule says it."""
    route: str = ""
    """The id of the route that said the group, or ""."""
    also: tuple[str, ...] = ()
    """The groups that are told besides."""
    trouble: tuple[str, str] | None = None
    """Rule and category of what its expression looks at, where that is not what its name says."""


_MOST_NAMES, _MOST_FOUND = 10_000, 20_000
_LEVEL_URGENCY = {"crit": 2, "warn": 3}
_Candidate = tuple[ClassificationRule, tuple[Matcher, ...]]
_Looked = tuple[tuple[str, ...], list[_Candidate]]
"""The labels that decide, and the rules that are left to be looked at."""


class Classifier:
    """Classifies alerts by the rules, and remembers what it found: most alerts repeat what decides."""

    def __init__(self, policy: Classification, severity: SeverityPolicy) -> None:
        self._policy = policy
        self._severity = severity
        self._candidates: dict[str, _Looked] = {}
        self._found: dict[tuple[str, ...], Class] = {}
        self._rules = {rule.id: rule for rule in reversed(policy.rules)}
        self._read: dict[str, Reading | None] = {}
        self._tells_all = all(route.pages for route in policy.routes)

    def knows(self, name: str) -> bool:
        """Whether an alert of this name is classified whatever else it says."""
        _, rules = self._looked_through(name)
        return bool(rules) and not rules[-1][1]

    def classify(
        self, labels: Labels, level: str = "", criticality: str = "", words: str = "", expression: str = ""
    ) -> Class:
        """Return the class of an alert.

        `level` is what our own inspections say: `warn`, `crit`, or with the severity 1-4 they ask for, `crit:1`.
        `criticality` is that of the configuration item. `expression` is that of its Prometheus rule, `words` is what
        it says of itself. Where no rule knows its name these give category and group, the expression before the words;
        how bad it is stays with label and default. Where one does, the expression says what kind of trouble it is.
        """
        others, _ = looked = self._looked_through(labels.get("alertname", ""))
        said = [labels.get(name, "") for name in others]
        key = (labels.get("alertname", ""), labels.get("severity", ""), level, criticality, expression, *said)
        found = self._found.get(key)
        if found is None:
            if len(self._found) >= _MOST_FOUND:
                self._found.clear()
            found = self._decide(labels, looked, level, criticality)
            found = self._found[key] = self._by_expression(expression, found) if expression else found
        if words and not found.rule and self._policy.unclassified.by_words:
            found = self._by_words(labels, words, found)
        if found.service or "service" not in labels:
            return found
        return found._replace(service=labels["service"])

    def told_to_nobody(self, labels: Labels) -> str | None:
        """The id of the route that takes an alert, where that is one of which nobody is told."""
        if self._tells_all:
            return None
        route, _ = _routed(self._policy.routes, labels)
        return route.id if route is not None and not route.pages else None

    def classify_report(self, labels: Labels) -> Class:
        """Return the class of what a person reports: routes are for alerts, and take nothing from the desk."""
        return self._decide(labels, self._looked_through(labels.get("alertname", "")), "", "", routes=())

    def _by_words(self, labels: Labels, words: str, found: Class) -> Class:
        rule = _first(self._looked_through(words)[1], labels)
        if rule is None:
            return found
        return _of(rule, found)

    def _by_expression(self, expression: str, found: Class) -> Class:
        reading = self._reading(expression)
        if reading is None or reading.rule == found.rule or (found.rule and reading.leaves(found.rule)):
            return found
        rule = self._rules[reading.rule]
        return found._replace(trouble=(rule.id, rule.set.category or "")) if found.rule else _of(rule, found)

    def _reading(self, expression: str) -> Reading | None:
        if expression not in self._read:
            if len(self._read) >= _MOST_NAMES:
                self._read.clear()
            there = (r for r in self._policy.expressions if r.rule in self._rules)
            self._read[expression] = next((r for r in there if compile_pattern(r.reads).match(expression)), None)
        return self._read[expression]

    def held(self) -> dict[str, Held]:
        """How full its memories are."""
        classes, rules = Held(len(self._found), _MOST_FOUND), Held(len(self._candidates), _MOST_NAMES)
        return {"classes": classes, "class_rules": rules, "class_readings": Held(len(self._read), _MOST_NAMES)}

    def _decide(
        self, labels: Labels, looked: _Looked, level: str, criticality: str, routes: Sequence[Route] | None = None
    ) -> Class:
        """The class of an alert, but for the service that its labels name; by all `routes` there are, or by these."""
        rule = _first(looked[1], labels)
        said = rule.set if rule else _NOTHING
        route, also = _routed(self._policy.routes if routes is None else routes, labels)
        word, _, asked = level.partition(":")
        by_label: dict[str, int] = self._severity.from_alert_label.get(labels.get("severity", "").lower(), {})
        by_ci = self._severity.impact_from_ci_criticality.get(criticality)
        default = self._policy.unclassified
        urgency = said.urgency or by_label.get("urgency") or _LEVEL_URGENCY.get(word) or default.urgency
        impact = said.impact or by_label.get("impact") or by_ci or default.impact
        return Class(
            said.category or default.category,
            route.group if route else said.group or default.group,
            urgency,
            impact,
            int(asked) if asked else self._severity.severity(urgency, impact),
            said.service or "",
            rule.id if rule else "",
            said.service_affecting,
            said.kind or "",
            route.id if route else "",
            also,
        )

    def _looked_through(self, name: str) -> _Looked:
        looked = self._candidates.get(name)
        if looked is None:
            if len(self._candidates) >= _MOST_NAMES:
                self._candidates.clear()
            looked = self._candidates[name] = self._look_through(name)
        return looked

    def _look_through(self, name: str) -> _Looked:
        """The rules that an alert of this name can match, and the other labels that decide between them."""
        found: list[_Candidate] = []
        for rule in self._policy.rules:
            on_name = [m for m in rule.match if m.name == "alertname"]
            if all_match(on_name, {"alertname": name}):
                found.append((rule, tuple(m for m in rule.match if m.name != "alertname")))
                if not found[-1][1]:
                    break
        routed = {m.name for route in self._policy.routes for m in route.match if m.name != "alertname"}
        others = sorted({m.name for _, left in found for m in left} | routed)
        return tuple(others), found


def _routed(routes: Sequence[Route], labels: Labels) -> tuple[Route | None, tuple[str, ...]]:
    """The route that takes an alert, and the groups that are told besides.

    Where only routes that go on match, or beside them one of which nobody is told, the last of them takes it.
    """
    matching: list[Route] = []
    for route in routes:
        if all_match(route.match, labels):
            matching.append(route)
            if not route.goes_on:
                break
    if len(matching) > 1 and not matching[-1].pages:
        matching.pop()
    if not matching:
        return None, ()
    *besides, takes = matching
    return takes, tuple(dict.fromkeys(route.group for route in besides if route.group != takes.group))


def _of(rule: ClassificationRule, found: Class) -> Class:
    """A class that no name gave: category and group of this rule."""
    group = found.group if found.route else rule.set.group or found.group
    return found._replace(category=rule.set.category or found.category, group=group, rule=rule.id)


def _first(candidates: list[_Candidate], labels: Labels) -> ClassificationRule | None:
    return next((rule for rule, left in candidates if all_match(left, labels)), None)


_NOTHING = Verdict()
