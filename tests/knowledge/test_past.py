"""The nearest of what people solved: by the same alert first, then by the words of one category (procedure R63)."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from knowledge import past as module
from knowledge.past import OFFERED, Past, Solved, alert_of, in_common

AT = datetime(2026, 3, 2, 9, tzinfo=UTC)


def solved(number: int, title: str = "", alert: str = "", category: str = "storage", **more: Any) -> Solved:
    said = {"resolved_at": AT + timedelta(minutes=number), "type": "permanent", "resolution": "a new fuse", **more}
    return Solved(id=number, number=f"INC-{number}", title=title, alert=alert, category=category, **said)


def offered(past: Past, alert: str = "", category: str = "storage", title: str = "") -> list[str]:
    return [near.solved.number for near in past.nearest(99, alert, category, title)]


def test_what_came_of_the_same_alert_is_nearest_the_newest_first() -> None:
    past = Past([solved(n, alert="am/ab") for n in (1, 2, 3, 4)] + [solved(5, alert="am/cd")])
    assert offered(past, alert="am/ab") == ["INC-4", "INC-3", "INC-2"]
    assert past.nearest(4, "am/ab", "storage", "")[0].solved.number == "INC-3", "nothing is near to itself"


def test_then_what_shares_words_in_the_same_category_the_nearest_first() -> None:
    past = Past(
        [
            solved(1, "invoice printer prints blank pages"),
            solved(2, "the invoice printer is jammed"),
            solved(3, "printer on fire", category="facility"),
            solved(4, "coffee machine leaks"),
            solved(5, "mail", alert="am/ab"),
        ]
    )
    assert offered(past, title="invoice printer prints blank") == ["INC-1", "INC-2"]
    (first, *_) = past.nearest(99, "", "storage", "invoice printer prints blank")
    assert first.why["code"] == "same_words"
    assert first.why["facts"]["words"] == ["invoice", "printer", "prints", "blank"]
    assert offered(past, alert="am/ab", title="invoice printer prints blank") == ["INC-5", "INC-1", "INC-2"]
    assert offered(past, title="a database is slow") == [], "nothing near is nothing offered"
    assert offered(past, title="") == []
    assert offered(past, title="the printer") == [], "one word in common is chance"
    assert offered(Past([solved(1, "Maintenance")]), title="maintenance") == ["INC-1"]


def test_chinese_titles_are_compared_too() -> None:
    past = Past([solved(1, "发票打印机打印空白"), solved(2, "机房温度过高")])
    assert offered(past, title="发票打印机无法打印") == ["INC-1"]
    assert in_common({"code": "same_words", "facts": {"words": ["发票"]}}, "zh") == "同类事件，共有的词：发票"


def test_what_came_back_to_work_is_not_offered_and_is_again_once_it_is_solved() -> None:
    past = Past([solved(1, alert="am/ab"), solved(2, alert="am/ab")])
    past.forget(1)
    past.forget(7)
    assert (offered(past, alert="am/ab"), len(past)) == (["INC-2"], 1)
    past.keep(solved(1, alert="am/ab", resolution="another one"))
    (first, _) = past.nearest(99, "am/ab", "", "")
    assert (first.solved.number, first.solved.resolution) == ("INC-1", "another one")


def test_it_remembers_the_newest_and_looks_at_so_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 10)
    monkeypatch.setattr(module, "LOOKED_AT", 4)
    past = Past(solved(n, f"printer {'blank' if n < 8 else 'jammed'}", alert=f"am/{n}") for n in range(15))
    assert (len(past), offered(past, alert="am/4"), offered(past, alert="am/5")) == (10, [], ["INC-5"])
    assert offered(past, title="printer jammed") == ["INC-14", "INC-13", "INC-12"]
    assert offered(past, title="printer blank") == [], "the older ones are not looked at"
    assert len(past.nearest(99, "", "storage", "printer jammed")) == OFFERED


def test_a_long_resolution_is_cut() -> None:
    (near,) = Past([solved(1, alert="am/ab", resolution="x" * 4000)]).nearest(99, "am/ab", "", "")
    assert len(near.solved.resolution) == 500


def test_the_alert_of_a_root() -> None:
    assert (alert_of({"origin": "am", "fingerprint": "ab"}), alert_of(None)) == ("am/ab", "")
