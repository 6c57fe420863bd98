"""The first rule that matches decides; what it leaves out, the label, the item and the default decide."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.labels import all_match
from correlation.classify import Classification, Classifier
from correlation.severity import SeverityPolicy

SEVERITY = SeverityPolicy.model_validate(
    {
        "matrix": {i: {u: (i + u) // 2 for u in (1, 2, 3, 4)} for i in (1, 2, 3, 4)},
        "from_alert_label": {"critical": {"urgency": 2}, "page": {"urgency": 1, "impact": 2}},
        "impact_from_ci_criticality": {"critical": 1, "important": 2},
    }
)
RULES = [
    {"id": "site", "match": {"alertname": "Disk", "team": "pay"}, "set": {"group": "pay", "urgency": 1}},
    {"id": "disk", "match": {"alertname_re": "Disk.*"}, "set": {"category": "storage", "group": "sys"}},
    {"id": "pay", "match": {"team": "pay"}, "set": {"group": "pay", "impact": 1, "service": "payroll"}},
    {"id": "late", "match": {"alertname_re": "Disk.*"}, "set": {"category": "never"}},
]
POLICY = Classification.model_validate({"rules": RULES})
CLASSIFIER = Classifier(POLICY, SEVERITY)


@pytest.mark.parametrize(
    ("labels", "rule"),
    [
        ({"alertname": "Disk"}, "disk"),
        ({"alertname": "Disk", "team": "pay"}, "site"),
        ({"alertname": "DiskFull", "team": "pay"}, "disk"),
        ({"alertname": "Net", "team": "pay"}, "pay"),
        ({"alertname": "Net"}, ""),
        ({}, ""),
    ],
)
def test_the_first_rule_that_matches_decides(labels: dict[str, str], rule: str) -> None:
    for _ in range(2):
        assert CLASSIFIER.classify(labels).rule == rule


ROUTED = Classifier(
    Classification.model_validate(
        {
            "rules": RULES,
            "routes": [
                {"id": "to-dba", "match": ['team="db"'], "group": "dba"},
                {"id": "to-web", "match": {"alertname_re": "Web.*"}, "group": "web"},
            ],
        }
    ),
    SEVERITY,
)


@pytest.mark.parametrize(
    ("labels", "group", "rule", "route"),
    [
        pytest.param(
            {"alertname": "DiskFull", "team": "db"}, "dba", "disk", "to-dba", id="before the group of its rule"
        ),
        pytest.param({"alertname": "DiskFull", "team": "x"}, "sys", "disk", "", id="no route is its own"),
        pytest.param({"alertname": "WebDown"}, "web", "", "to-web", id="no rule knows it"),
        pytest.param({"alertname": "WebDown", "team": "db"}, "dba", "", "to-dba", id="the first that matches"),
        pytest.param({"alertname": "Net"}, "desk", "", "", id="neither"),
    ],
)
def test_a_route_says_the_group_and_leaves_the_rest_to_the_rules(
    labels: dict[str, str], group: str, rule: str, route: str
) -> None:
    for _ in range(2):
        found = ROUTED.classify(labels)
        assert (found.group, found.rule, found.route) == (group, rule, route)
        plain = CLASSIFIER.classify(labels)
        assert (found.category, found.severity, found.service) == (plain.category, plain.severity, plain.service)


def test_no_route_takes_a_report_from_the_desk() -> None:
    caught = Classifier(
        Classification.model_validate({"rules": RULES, "routes": [{"id": "rest", "match": [], "group": "ops"}]}),
        SEVERITY,
    )
    assert caught.classify({"alertname": "Net"}).group == "ops"
    assert (caught.classify_report({}).group, caught.classify_report({}).route) == ("desk", "")


def test_what_an_alert_says_of_itself_takes_it_from_no_route() -> None:
    found = ROUTED.classify({"alertname": "R-7", "team": "db"}, words="DiskFull on db-1")
    assert (found.group, found.category) == ("dba", "storage")


@pytest.mark.parametrize(
    ("labels", "level", "criticality", "urgency", "impact"),
    [
        pytest.param({"alertname": "Net"}, "", "", 3, 3, id="nothing is known"),
        pytest.param({"alertname": "Net", "severity": "Critical"}, "", "", 2, 3, id="the label, in any case"),
        pytest.param({"alertname": "Net", "severity": "page"}, "", "critical", 1, 2, id="the label before the item"),
        pytest.param({"alertname": "Net", "severity": "odd"}, "crit", "", 2, 3, id="the level of an inspection"),
        pytest.param({"alertname": "Net"}, "warn", "critical", 3, 1, id="the item"),
        pytest.param(
            {"alertname": "Disk", "team": "pay", "severity": "page"}, "", "", 1, 2, id="the rule before the label"
        ),
        pytest.param({"alertname": "Net", "team": "pay"}, "crit", "important", 2, 1, id="the rule before the item"),
    ],
)
def test_urgency_and_impact(labels: dict[str, str], level: str, criticality: str, urgency: int, impact: int) -> None:
    found = CLASSIFIER.classify(labels, level, criticality)
    assert (found.urgency, found.impact, found.severity) == (urgency, impact, (urgency + impact) // 2)


def test_an_inspection_may_ask_for_a_severity_of_its_own() -> None:
    assert CLASSIFIER.classify({"alertname": "Net"}, "crit:1").severity == 1


def test_what_no_rule_matches_has_a_group_all_the_same() -> None:
    found = CLASSIFIER.classify({"alertname": "Net", "service": "mail"})
    assert (found.category, found.group, found.service) == ("unclassified", "desk", "mail")


def test_what_no_rule_knows_by_its_name_takes_category_and_group_from_its_words_and_its_grade_from_the_label() -> None:
    labels = {"alertname": "R-117", "severity": "critical", "service": "mail"}
    found = CLASSIFIER.classify(labels, words="Disk is full")
    assert (found.rule, found.category, found.group, found.service) == ("disk", "storage", "sys", "mail")
    assert (found.urgency, found.impact) == (2, 3)
    assert CLASSIFIER.classify(labels, words="nobody knows") == CLASSIFIER.classify(labels)


def test_words_give_nobody_the_urgency_or_the_impact_of_a_rule() -> None:
    policy = Classification.model_validate(
        {"rules": [{"id": "fire", "match": {"alertname_re": ".*fire.*"}, "set": {"urgency": 1, "impact": 1}}]}
    )
    assert Classifier(policy, SEVERITY).classify({"alertname": "R-1"}, words="a fire sale").severity == 3


def test_a_name_that_a_rule_knows_is_not_asked_for_its_words() -> None:
    assert CLASSIFIER.classify({"alertname": "Net", "team": "pay"}, words="Disk is full").rule == "pay"
    assert (CLASSIFIER.knows("Disk9"), CLASSIFIER.knows("Net")) == (True, False)


def test_a_site_can_have_names_alone_asked() -> None:
    policy = Classification.model_validate({"rules": RULES, "unclassified": {"by_words": False}})
    assert Classifier(policy, SEVERITY).classify({"alertname": "R-117"}, words="Disk is full").rule == ""


READS = Classifier(
    Classification.model_validate(
        {
            "rules": RULES,
            "expressions": [
                {"reads": "space_(free|used)", "rule": "disk"},
                {"reads": "net_", "rule": "no such rule"},
                {"reads": "up", "rule": "late", "unless": "named"},
            ],
        }
    ),
    SEVERITY,
)


def test_what_no_rule_knows_by_its_name_takes_category_and_group_from_its_expression_before_its_words() -> None:
    found = READS.classify({"alertname": "R-117", "severity": "critical"}, words="DiskX", expression="Space_Free < 1")
    assert (found.rule, found.category, found.group) == ("disk", "storage", "sys")
    assert (found.urgency, found.impact, found.trouble) == (2, 3, None)


def test_what_a_rule_knows_by_its_name_keeps_all_of_it_and_its_expression_says_what_the_trouble_is() -> None:
    labels = {"alertname": "Net", "team": "pay"}
    named, read = READS.classify(labels), READS.classify(labels, expression="space_used > 1")
    assert read == named._replace(trouble=("disk", "storage"))


def test_a_name_that_knows_more_than_the_expression_keeps_its_say() -> None:
    policy = Classification.model_validate(
        {"rules": RULES, "expressions": [{"reads": "errors", "rule": "late", "unless": ["disk"]}]}
    )
    classifier = Classifier(policy, SEVERITY)
    assert classifier.classify({"alertname": "Disk"}, expression="errors > 1").trouble is None
    assert classifier.classify({"alertname": "Net", "team": "pay"}, expression="errors > 1").trouble == (
        "late",
        "never",
    )


@pytest.mark.parametrize("expression", ["nobody_knows == 0", "net_errs > 0", "up == 0", ""])
def test_an_expression_that_says_nothing_changes_nothing(expression: str) -> None:
    labels = {"alertname": "Net", "team": "pay"}
    assert READS.classify(labels, expression=expression) == READS.classify(labels)


def test_what_says_little_is_heard_where_no_rule_knows_the_name() -> None:
    assert READS.classify({"alertname": "R-117"}, expression="up == 0").rule == "late"


def test_an_expression_gives_a_route_no_other_group() -> None:
    policy = Classification.model_validate(
        {
            "rules": RULES,
            "routes": [{"id": "to-dba", "match": ['team="db"'], "group": "dba"}],
            "expressions": [{"reads": "space_", "rule": "disk"}],
        }
    )
    found = Classifier(policy, SEVERITY).classify({"alertname": "R-1", "team": "db"}, expression="space_free < 1")
    assert (found.group, found.category) == ("dba", "storage")


def test_a_regex_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="refused"):
        Classification.model_validate({"expressions": [{"reads": "(", "rule": "disk"}]})


LABELS = st.dictionaries(
    st.sampled_from(["alertname", "team", "severity"]), st.sampled_from(["Disk", "DiskX", "Net", "pay", "critical"])
)


@given(st.lists(LABELS, min_size=1, max_size=20))
def test_what_is_remembered_of_names_never_changes_what_is_found(many: list[dict[str, Any]]) -> None:
    classifier = Classifier(POLICY, SEVERITY)
    for labels in many:
        expected = next((r.id for r in POLICY.rules if all_match(r.match, labels)), "")
        assert classifier.classify(labels).rule == expected


# routes that go on

GOING_ON = [
    {"id": "audit", "match": ['severity="critical"'], "group": "audit", "continue": True},
    {"id": "log", "match": [], "group": "log", "continue": True},
    {"id": "db", "match": ['team="db"'], "group": "db"},
    {"id": "log-db", "match": ['team="db"'], "group": "never"},
    {"id": "web", "match": ['team="web"'], "group": "log"},
]


@pytest.mark.parametrize(
    ("labels", "group", "also", "route"),
    [
        ({"team": "db"}, "db", ("log",), "db"),
        ({"team": "db", "severity": "critical"}, "db", ("audit", "log"), "db"),
        ({"team": "web"}, "log", (), "web"),
        ({"severity": "critical"}, "log", ("audit",), "log"),
    ],
)
def test_routes_that_go_on_are_told_besides_and_the_first_that_does_not_takes(
    labels: dict[str, str], group: str, also: tuple[str, ...], route: str
) -> None:
    classifier = Classifier(Classification.model_validate({"routes": GOING_ON}), SEVERITY)
    for _ in range(2):
        found = classifier.classify(labels)
        assert (found.group, found.also, found.route) == (group, also, route)


def test_a_report_is_told_to_nobody_besides() -> None:
    classifier = Classifier(Classification.model_validate({"routes": GOING_ON}), SEVERITY)
    assert classifier.classify_report({"team": "db", "severity": "critical"}).also == ()
