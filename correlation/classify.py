"""Category, group, urgency and impact of an alert, by rules over its labels (procedure R19, R51, R52)."""

from typing import Annotated, Any, NamedTuple

from pydantic import BeforeValidator, PrivateAttr

from collectors.labels import Labels, Matcher, all_match, matchers_from_yaml
from collectors.rule import Rule, Span
from correlation.severity import SeverityPolicy

Match = Annotated[tuple[Matcher, ...], BeforeValidator(matchers_from_yaml)]


class Verdict(Rule):
    """What a classification rule sets; what it leaves out is decided by the label or the default."""

    category: str | None = None
    group: str | None = None
    urgency: int | None = None
    impact: int | None = None
    service: str | None = None
    service_affecting: bool | None = None
    playbook: str | None = None


class ClassificationRule(Rule):
    id: str
    match: Match
    set: Verdict


class Unclassified(Rule):
    category: str = "unclassified"
    group: str = "desk"
    urgency: int = 3
    impact: int = 3
    alarm_after: Span | None = None


class Classification(Rule):
    """classification.yaml: the first rule that matches wins; a site's rules (rules.yaml) come first."""

    unclassified: Unclassified = Unclassified()
    rules: list[ClassificationRule] = []
    _memo: dict[tuple[str, ...], "Class"] = PrivateAttr(default_factory=dict)
    _names: tuple[str, ...] = PrivateAttr(default=())

    def model_post_init(self, _: Any) -> None:
        """Note the labels that decide: only these can make two alerts differ in class."""
        self._names = tuple(sorted({m.name for r in self.rules for m in r.match} | {"severity", "service"}))


class Class(NamedTuple):
    """Where an alert belongs and how bad it is; `rule` is the id of the rule that said so, or ""."""

    category: str
    group: str
    urgency: int
    impact: int
    severity: int
    service: str
    rule: str


_MEMO_SIZE = 20_000


def classify(
    labels: Labels, policy: Classification, severity: SeverityPolicy, level: str = "", criticality: str = ""
) -> Class:
    """Return the class of an alert.

    `level` is what our own inspections say: `warn`, `crit`, or with the severity 1-4 they ask for, `crit:1`.
    """
    memo_key = (*(labels.get(n, "") for n in policy._names), level, criticality)
    known = policy._memo.get(memo_key)
    if known is None:
        if len(policy._memo) >= _MEMO_SIZE:
            policy._memo.clear()
        known = policy._memo[memo_key] = _classify(labels, policy, severity, level, criticality)
    return known


_LEVEL_URGENCY = {"crit": 2, "warn": 3}


def _classify(labels: Labels, policy: Classification, severity: SeverityPolicy, level: str, criticality: str) -> Class:
    rule = next((r for r in policy.rules if all_match(r.match, labels)), None)
    said = rule.set if rule else Verdict()
    word, _, asked = level.partition(":")
    default = policy.unclassified
    by_label: dict[str, Any] = severity.from_alert_label.get(labels.get("severity", "").lower(), {})
    urgency = said.urgency or by_label.get("urgency") or _LEVEL_URGENCY.get(word) or default.urgency
    by_ci = severity.impact_from_ci_criticality.get(criticality)
    impact = said.impact or by_label.get("impact") or by_ci or default.impact
    grade = int(asked) if asked else severity.severity(urgency, impact)
    return Class(
        said.category or default.category,
        said.group or default.group,
        urgency,
        impact,
        grade,
        said.service or labels.get("service", ""),
        rule.id if rule else "",
    )
