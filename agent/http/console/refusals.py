"""What a page says of a form that is refused, in the reader's language: the API says it in English."""

from collections.abc import Iterator, Mapping

from agent.http.patience import UNKNOWN
from agent.http.problems import Problem
from correlation.incident import IllegalAction
from correlation.need import Missing
from escalation.words import Language


class Said(Problem):
    """A refusal whose sentence is in the reader's language already."""


_BY_STATUS: Mapping[int, str] = {
    400: "该表单有误：请重新打开页面后再提交。",
    401: "需要有效的令牌：请重新登录。",
    403: "您的角色不能执行此操作，或该事件不归您负责。",
    404: "没有此项，或您无权查看。",
    408: "提交过慢：请重试。",
    409: "现在不能执行此操作。",
    413: "内容过长：请缩短后再提交。",
    422: "所填内容缺失或有误。",
    500: "Tocsin 内部出错：请联系运维人员，日志中有记录。",
    503: "存储暂时没有响应：请稍后重试。",
}
_BY_FIELD: Mapping[str, str] = {
    "alert": "请选择本事件的一个告警作为根源。",
    "comment": "请填写原因。",
    "confirm-rule": "该处作业须遵守客户规定：请先确认（`confirm-rule`）。",
    "ends_at": "请选择时长：结束时间须在将来。",
    "into": "请填写另一个未解决事件的编号。",
    "known_error": "请选择一条已知错误。",
    "note": "请填写备注。",
    "outcome": "请选择结果。",
    "raise-change": "请先提出变更请求（`raise-change`）。",
    "reason": "请填写原因。",
    "resolution": "请填写解决办法。",
    "service_restored_at": "仍有告警未恢复：请勾选“告警仍在，但服务已恢复”，或等其恢复后再解决。",
    "text": "请填写所见或所做。",
    "to": "请选择转给二线或哪个处理组。",
    "type": "请选择解决方式。",
    "until": "请选择时长：结束时间须在将来。",
}


def refusal(problem: Problem, error: Exception, language: Language) -> list[str]:
    """The paragraphs of a refusal. What has no Chinese sentence of its own is told as the API says it, too."""
    if language != "zh" or isinstance(problem, Said):
        return [problem.detail]
    if isinstance(error, IllegalAction):
        return [_out_of_turn(error)]
    if problem.detail == UNKNOWN:
        return ["存储未及时响应：不知是否已执行，也可能稍后执行。请先查看事件页面，再决定是否重试。"]
    if problem.status == 500:
        return [f"{_BY_STATUS[500]}（{problem.facts.get('request_id', '–')}）"]
    by_field = [_BY_FIELD[name] for name in _fields(problem, error) if name in _BY_FIELD]
    if by_field:
        return list(dict.fromkeys(by_field))
    said = _BY_STATUS.get(problem.status, _BY_STATUS[409])
    return [said, problem.detail] if problem.status in (409, 422) else [said]


def _out_of_turn(error: IllegalAction) -> str:
    if error.merged_into is not None:
        return f"该事件已并入 {error.merged_into}，请在后者上操作。"
    return "事件当前的状态下不能执行此操作：请重新打开事件页面。"


def _fields(problem: Problem, error: Exception) -> Iterator[str]:
    """What of the form is at fault; where the state of another incident is, the API names it in its sentence alone."""
    if isinstance(error.__context__, Missing):
        yield from error.__context__.fields
    yield from problem.facts.get("missing") or ()
    yield from (str(fault["field"]) for fault in problem.facts.get("faults") or ())
