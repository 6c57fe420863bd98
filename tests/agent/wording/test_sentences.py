"""Every code that the house stores has a sentence in both languages."""

import ast
from pathlib import Path
from typing import Any

import pytest

from agent.wording.happenings import HAPPENED
from agent.wording.reasons import REASONS
from agent.wording.sentences import happened, language_of, text
from agent.wording.trouble_words import signal_text
from correlation.incident import ENDED
from escalation.words import Catalogue, by_name, span_text

ROOT = Path(__file__).resolve().parents[3]
FILES = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        "correlation/**/*.py",
        "agent/*.py",
        "agent/deciders/*.py",
        "agent/loading/*.py",
        "agent/loops/*.py",
    )
    for path in ROOT.glob(pattern)
)
CODES = {
    "Why": 0,
    "Hindered": 0,
    "declare": 1,
    "end_episode": 4,
    "end_episodes": 2,
    "confirm_suspect": 2,
    "drop_suspect": 2,
    "miss_beat": 2,
    "stop": 2,
    "stopped": 3,
}
"""Which argument of a call is the code of a reason; what is a dictionary's `code` is one too."""
KINDS = {"Event": 0, "tell": 1, "timeline": 3}
"""Which argument of a call is the kind of a line of the timeline."""
ELSEWHERE = {("agent/ladder.py", "outcome"): "escalation/escalate.py"}
"""Names that are given what the same name was set to in another file."""
OUTCOMES = {"paged", "fallback", "superseded", "nobody", "done", "cancelled"}
Values = dict[str, list[ast.expr]]


class Untold(Exception):
    """What this may be stands nowhere."""


class Scan(ast.NodeVisitor):
    """The codes and kinds that a file can store; `untold` are the places of which that cannot be said."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.codes: set[str] = set()
        self.kinds: set[str] = set()
        self.untold: set[str] = set()
        self._inside: list[ast.FunctionDef | ast.AsyncFunctionDef] = []
        self.visit(ast.parse((ROOT / path).read_text()))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._inside.append(node)
        self.generic_visit(node)
        self._inside.pop()

    visit_AsyncFunctionDef = visit_FunctionDef  # type: ignore[assignment]  # both have a name, arguments and a body

    def visit_Call(self, node: ast.Call) -> None:
        name = getattr(node.func, "id", getattr(node.func, "attr", ""))
        for places, word, found in ((CODES, "code", self.codes), (KINDS, "kind", self.kinds)):
            if name in places:
                given = [k.value for k in node.keywords if k.arg == word] or node.args[places[name] :][:1]
                for value in given:
                    self._note(value, found)
        self.generic_visit(node)

    def visit_Dict(self, node: ast.Dict) -> None:
        for key, value in zip(node.keys, node.values, strict=True):
            if isinstance(key, ast.Constant) and key.value == "code":
                self._note(value, self.codes)
        self.generic_visit(node)

    def _note(self, value: ast.expr, found: set[str]) -> None:
        try:
            found |= self._texts(value)
        except Untold:
            self.untold.add(f"{self.path}:{value.lineno}: {ast.unparse(value)}")

    def _texts(self, value: ast.expr) -> set[str]:
        match value:
            case ast.Constant(value=str(said)):
                return {said} - {""}
            case ast.IfExp():
                return self._texts(value.body) | self._texts(value.orelse)
            case ast.Attribute(attr="code" | "kind"):
                return set()  # it was noted where it was made
            case ast.Call(func=ast.Name(id="str"), args=[ast.Attribute(attr="state")]):
                return {str(state) for state in ENDED}
            case ast.Name():
                return self._named(value.id)
        raise Untold

    def _named(self, name: str) -> set[str]:
        if not self._inside or self._is_handed_on(name):
            return set()
        given = set_in(self._inside[-1]).get(name)
        if given is None and (self.path, name) in ELSEWHERE:
            given = set_in(ast.parse((ROOT / ELSEWHERE[self.path, name]).read_text())).get(name)
        if not given:
            raise Untold
        return set().union(*(self._texts(each) for each in given))

    def _is_handed_on(self, name: str) -> bool:
        """Whether it is the argument that the callers of this function are asked about."""
        function = self._inside[-1]
        names = [a.arg for a in function.args.args if a.arg != "self"]
        places = (table[function.name] for table in (CODES, KINDS) if function.name in table)
        return any(names[place : place + 1] == [name] for place in places)


def set_in(tree: ast.AST) -> Values:
    """What each name is set to: by `name = …`, and by `for name, … in (("one", …), ("two", …))`."""
    found: Values = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    found.setdefault(target.id, []).append(node.value)
        if isinstance(node, ast.For) and isinstance(node.target, ast.Tuple) and isinstance(node.iter, ast.Tuple):
            for row in node.iter.elts:
                for target, value in zip(node.target.elts, getattr(row, "elts", ()), strict=False):
                    if isinstance(target, ast.Name):
                        found.setdefault(target.id, []).append(value)
    return found


SCANS = {path: Scan(path) for path in FILES}
FULL = [path for path, scan in SCANS.items() if scan.codes or scan.kinds or scan.untold]


@pytest.mark.parametrize("path", FULL)
def test_every_reason_that_is_stored_has_both_sentences(path: str) -> None:
    assert {code for code in SCANS[path].codes if code not in REASONS and code not in HAPPENED} == set()


@pytest.mark.parametrize("path", FULL)
def test_every_kind_of_the_timeline_has_both_sentences(path: str) -> None:
    assert {kind for kind in SCANS[path].kinds if kind not in HAPPENED} == set()


@pytest.mark.parametrize("path", FULL)
def test_of_every_code_and_kind_that_is_stored_it_can_be_said_what_it_may_be(path: str) -> None:
    assert SCANS[path].untold == set()


def test_the_tree_is_really_looked_through() -> None:
    codes = set().union(*(scan.codes for scan in SCANS.values()))
    kinds = set().union(*(scan.kinds for scan in SCANS.values()))
    assert {"first_of_incident", "silenced", "window_over", "earliest", "end_untold", "watchdog_missing"} <= codes
    assert {"fallback", "nobody", "paged", "superseded", "done", "cancelled"} <= codes
    assert {"severity_lowered", "severity_raised"} <= SCANS["correlation/acts/judging.py"].kinds
    assert {"page_sent", "page_failed", "step", "edited"} <= kinds
    assert {"alerts_joined", "alerts_ended"} <= SCANS["correlation/outcome.py"].kinds


@pytest.mark.parametrize("table", [REASONS, HAPPENED], ids=["reasons", "kinds"])
def test_no_sentence_is_empty_and_both_use_the_same_facts(table: Catalogue) -> None:
    import re

    for code, (english, chinese) in table.items():
        assert english and chinese, code
        assert set(re.findall(r"\{(\w+)\}", english)) == set(re.findall(r"\{(\w+)\}", chinese)), code


def test_an_unknown_code_is_its_own_sentence() -> None:
    assert text("never_heard_of", {"a": 1}) == happened("never_heard_of", {}, "zh") == "never_heard_of"


def test_a_fact_is_data_and_never_a_template() -> None:
    assert happened("note", {"text": "{eta} [{x}] %s"}) == "{eta} [{x}] %s"


@pytest.mark.parametrize("outcome", sorted(OUTCOMES))
def test_what_became_of_a_step_is_said_in_chinese_too(outcome: str) -> None:
    said = happened("step", {"step": "2/c0", "outcome": outcome}, "zh")
    assert outcome not in said
    assert outcome in happened("step", {"step": "2/c0", "outcome": outcome})


def test_a_yes_is_said_in_the_readers_language() -> None:
    facts = {"reached": True, "persists": False}
    assert "是" in happened("called_back", facts, "zh")
    assert "reached: yes; persists: no" in happened("called_back", facts)


def test_a_part_whose_fact_is_absent_or_empty_is_left_out() -> None:
    assert happened("assigned", {"person": "", "group": "sys-ops"}) == "assigned in group sys-ops"
    assert text("same_alert", {}) == "the same alert at another threshold"


@pytest.mark.parametrize(
    ("header", "language"),
    [
        ("", "en"),
        ("zh", "zh"),
        ("zh-Hans-CN,en;q=0.9", "zh"),
        ("en;q=0.5, zh;q=0.6", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("de, fr", "en"),
        ("*", "en"),
        ("zh;q=x", "zh"),
        ("," * 100, "en"),
    ],
)
def test_the_language_is_the_one_wanted_most_of_those_spoken(header: str, language: str) -> None:
    assert language_of(header) == language


@pytest.mark.parametrize(
    ("code", "facts", "en", "zh"),
    [
        pytest.param(
            "likely_root",
            {"signal": "other", "severity": 2, "reach": 0, "of": 34, "after_s": 0, "same_name": 1},
            "the likely root, severity 2",
            "可能的根源，级别 2",
            id="what says nothing is not said",
        ),
        pytest.param(
            "likely_root",
            {"signal": "network", "severity": 2, "reach": 3, "of": 3, "after_s": 7, "same_name": 2},
            "the likely root: a network device, severity 2; 3 of 3 others came of it; it began 7 seconds after the "
            "first; alerts of its name: 2",
            "可能的根源：网络设备故障，级别 2；其余 3 个中有 3 个由其引起；在首个告警之后 7 秒开始；同名告警 2 个",
            id="what speaks for a root",
        ),
        pytest.param(
            "stands_on",
            {"alertname": "HostDown", "signal": "host", "item": "web-1", "about": "shop", "weight": 0.81},
            "HostDown of web-1 (a host that is down) explains it: shop depends on web-1 (certainty 0.81)",
            "web-1 的 HostDown（主机宕机）可解释它：shop 依赖于 web-1（可信度 0.81）",
            id="what something comes of, by what that is called",
        ),
        pytest.param(
            "same_item",
            {"alertname": "Odd", "signal": "made-here", "item": "x", "weight": 0.7},
            "Odd of the same x (kind made-here) explains it (certainty 0.7)",
            "同一 x 的 Odd（made-here 类故障）可解释它（可信度 0.7）",
            id="a kind of trouble that a site has made",
        ),
        pytest.param(
            "silenced",
            {"by": "ana", "until": "2026-03-02T11:53:38.717Z"},
            "silenced by ana until 2026-03-02 11:53:38 UTC",
            "被 ana 静默至 2026-03-02 11:53:38 UTC",
            id="a moment as people read it",
        ),
        pytest.param(
            "no_known_error",
            {"count": 0},
            "no known error fits",
            "没有匹配的已知错误",
            id="that none resembles it needs no words",
        ),
        pytest.param(
            "still_fires",
            {"incident": "INC-1", "then": "storm", "place": "am"},
            "it fires on though INC-1 is over; it came in a storm of alerts in am, and nothing else explains it",
            "INC-1 已结束，告警仍在触发；属于 am 的告警风暴，无其他原因可解释",
            id="and where it went then",
        ),
        pytest.param(
            "evidence_short",
            {"incident": "INC-1", "weight": 0.5, "needed": 0.6, "evidence": {"source_group": 0.5}},
            "INC-1 came nearest, with certainty 0.5 of the 0.6 needed (one group of its source 0.5)",
            "最接近的是 INC-1，可信度 0.5，需 0.6（来源的同一分组 0.5）",
            id="evidence in words",
        ),
        pytest.param(
            "inhibited",
            {"rule": "host", "origin": "am", "fingerprint": "ab", "alertname": "HostDown", "about": "web-1"},
            "inhibited by rule host while HostDown fires on web-1 (am/ab)",
            "被规则 host 抑制：HostDown 正在告警，对象 web-1（am/ab）",
            id="what inhibits it by name",
        ),
    ],
)
def test_a_reason_is_true_short_and_whole_in_both_languages(code: str, facts: dict[str, Any], en: str, zh: str) -> None:
    assert (text(code, facts), text(code, facts, "zh")) == (en, zh)


@pytest.mark.parametrize(
    ("facts", "en", "zh"),
    [
        (
            {"count": 1, "alerts": {"SwitchDown": 1}, "why": {"brought_about": 1}},
            "joined: SwitchDown; why: a cause that was told later",
            "并入：SwitchDown；依据：较晚上报的原因",
        ),
        (
            {"count": 5, "alerts": {"A": 4, "B": 1}, "why": {"storm": 4, "join_rule": 1}},
            "joined (5 alerts): A ×4, B; why: the storm ×4, a join rule",
            "并入（5 个告警）：A ×4、B；依据：告警风暴 ×4、合并规则",
        ),
    ],
)
def test_what_joined_is_counted_and_why_in_words(facts: dict[str, Any], en: str, zh: str) -> None:
    assert (happened("alerts_joined", facts), happened("alerts_joined", facts, "zh")) == (en, zh)


def test_every_kind_of_trouble_of_the_pack_has_words_in_both_languages() -> None:
    from agent.configuration.load import load

    config = load(str(ROOT / "configs" / "site"))
    kinds = {signal.id for signal in config.correlation.signals} - {"other", "alone"}
    assert len(kinds) > 50
    for kind in kinds:
        assert signal_text(kind, "en") != f"kind {kind}", kind
        assert not signal_text(kind, "zh").isascii(), kind


@pytest.mark.parametrize(
    ("seconds", "en", "zh"),
    [
        (0, "0 seconds", "0 秒"),
        (1, "1 second", "1 秒"),
        (59.6, "1 minute", "1 分钟"),
        (90, "1 minute 30 seconds", "1 分钟 30 秒"),
        (1800, "30 minutes", "30 分钟"),
        (3605, "1 hour", "1 小时"),
        (5400, "1 hour 30 minutes", "1 小时 30 分钟"),
        (86_400 * 35, "35 days", "35 天"),
        (-3600, "-1 hour", "-1 小时"),
    ],
)
def test_a_span_is_told_as_people_say_it(seconds: float, en: str, zh: str) -> None:
    assert (span_text(seconds, "en"), span_text(seconds, "zh")) == (en, zh)
    said = text("window_over", {"incident": "INC-1", "late_s": seconds}, "zh")
    assert said == f"本可并入 INC-1，但距其最后一个告警已 {zh}，超出时间窗"


def test_people_are_called_by_name_where_names_are_known_and_groups_and_programs_are_left_alone() -> None:
    names = {"ana": "Ana", "luis": "Luis"}
    why = {"code": "silenced", "facts": {"by": "ana", "silence": "ana"}}
    facts = {"told": ["luis", "l2"], "to": "sys-ops", "why": why, "text": "ana", "roles": {"commander": "ana"}}
    assert by_name(facts, names) == {
        "told": ["Luis", "l2"],
        "to": "sys-ops",
        "why": {"code": "silenced", "facts": {"by": "Ana", "silence": "ana"}},
        "text": "ana",
        "roles": {"commander": "Ana"},
    }
    assert by_name(facts, {}) == facts
