"""What is refused is said in the reader's language."""

import re

import pytest

from agent.http.console.refusals import Said, refusal
from agent.http.patience import UNKNOWN
from agent.http.problems import Problem, problem_of
from agent.storage.writer import StoreDown
from tests.agent.http.console.test_console import signed_in
from tests.agent.http.serving import LINK_DOWN, Served

_ENGLISH = re.compile("[a-z]{3,} [a-z]{2,}")


async def _sent(api: Served, number: str, form: str, who: str = "wei", **filled: str) -> tuple[int, str]:
    page = await (await signed_in(api, who)).send(f"/incidents/{number}/{form}", **filled)
    said = re.search("<p class=safety>(.*?)</p>", page.text)
    return page.status, said[1] if said else ""


async def test_a_form_that_is_refused_says_why_in_chinese_to_whoever_reads_chinese(api: Served) -> None:
    number, other = await api.open_incident(), await api.open_incident(LINK_DOWN)
    await api.act(number, "assign", {"person": "wei"}, "desk")
    await api.act(number, "acknowledge", as_="wei")
    resolve = {"type": "permanent", "resolution": "x", "note": "y"}
    for form, filled, status, said in (
        ("note", {}, 422, "请填写所见或所做。"),
        ("snooze", {"reason": "x"}, 422, "请选择时长：结束时间须在将来。"),
        ("resolve", resolve, 422, "仍有告警未恢复：请勾选“告警仍在，但服务已恢复”，或等其恢复后再解决。"),
        ("merge", {"into": number}, 409, "请填写另一个未解决事件的编号。"),
        ("feedback", {"known_error": "nothing", "outcome": "used"}, 422, "请选择一条已知错误。"),
        (
            "silence",
            {"silenced": "x", "minutes": "15", "comment": "y"},
            422,
            "要静默的告警已不再触发：请重新打开事件页面。",
        ),
    ):
        assert await _sent(api, number, form, **filled) == (status, said), form
    assert await _sent(api, other, "note", text="x") == (403, "您的角色不能执行此操作，或该事件不归您负责。")
    assert await _sent(api, "INC-20200101-0001", "note", text="x") == (404, "没有此项，或您无权查看。")
    await _sent(api, number, "resolve", **resolve, restored="yes")
    assert await _sent(api, number, "snooze", minutes="15", reason="x") == (
        409,
        "事件当前的状态下不能执行此操作：请重新打开事件页面。",
    )


async def test_the_way_back_is_to_where_the_form_was(api: Served) -> None:
    number = await api.open_incident()
    browser = await signed_in(api, "ana")
    page = (await browser.send(f"/incidents/{number}/note")).text
    assert f'<a href="/incidents/{number}">Back to the incident</a>' in page
    assert '<a href="/">All incidents</a>' in (await browser.open("/incidents/INC-20200101-0001")).text


async def test_to_others_it_is_said_as_the_api_says_it(api: Served) -> None:
    number = await api.open_incident()
    status, said = await _sent(api, number, "note", "ana")
    assert (status, said.startswith("text: ")) == (422, True)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 408, 413, 503, 418])
def test_every_refusal_has_a_chinese_sentence(status: int) -> None:
    (said, *_) = refusal(Problem(status, "the teapot is hot"), Exception(), "zh")
    assert not _ENGLISH.search(said)


def test_what_has_no_sentence_of_its_own_is_told_as_the_api_says_it_too() -> None:
    assert refusal(Problem(409, "the teapot is hot"), Exception(), "zh")[1:] == ["the teapot is hot"]


def test_where_it_is_not_known_whether_it_was_done_that_is_said() -> None:
    (said,) = refusal(Problem(503, UNKNOWN), Exception(), "zh")
    assert "不知是否已执行" in said


def test_a_fault_of_ours_names_the_line_of_the_log() -> None:
    problem = problem_of(ValueError())
    (said,) = refusal(problem, ValueError(), "zh")
    assert problem.facts["request_id"] in said


def test_a_store_that_is_down_and_what_the_console_says_itself_are_told_as_they_are() -> None:
    assert refusal(problem_of(StoreDown("gone")), StoreDown("gone"), "zh") == ["存储暂时没有响应：请稍后重试。"]
    assert refusal(Said(409, "已按先前的内容提交"), Exception(), "zh") == ["已按先前的内容提交"]
