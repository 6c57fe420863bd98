"""What the console says, in English and Chinese."""

from escalation.words import Language

_WORDS: dict[str, tuple[str, str]] = {
    "active": ("Open", "未解决"),
    "resolved": ("Resolved", "已解决"),
    "all": ("All", "全部"),
    "search": ("Search", "搜索"),
    "none": ("Nothing is open.", "没有未解决的事件。"),
    "nothing": ("Nothing is found.", "没有找到。"),
    "more": ("More", "更多"),
    "back": ("All incidents", "返回列表"),
    "on_call": ("On call now", "当前值班"),
    "nobody": ("nobody", "无人"),
    "severity": ("Severity", "严重程度"),
    "nobody_has_it": ("nobody has it", "尚无人接手"),
    "with": ("with", "处理人"),
    "held": ("Waits until", "步骤暂缓至"),
    "root": ("Likely root", "可能的根源"),
    "firing": ("firing", "个正在告警"),
    "next_step": ("next step", "下一步升级"),
    "to": ("to", "通知"),
    "why": ("Why these alerts are together", "这些告警为何归为一起"),
    "not": ("not", "未采用"),
    "sign_in": ("Sign in", "登录"),
    "sign_out": ("Sign out", "退出"),
    "token": ("Token", "令牌"),
    "how": ("A token of yours: tocsin token create --person you", "您的令牌:tocsin token create --person 您的标识"),
    "unknown": (
        "This token is not valid: copy it whole, or have another made.",
        "令牌无效:请完整复制,或重新创建一个。",
    ),
    "foreign": (
        "This form was sent from another address. Open the page again, and send it from there.",
        "该表单来自其他地址。请重新打开页面后再提交。",
    ),
    "sent": (
        "This form was sent before with other words, and those were taken. Open the incident again to send more.",
        "该表单已按先前的内容提交。如需继续提交,请重新打开事件页面。",
    ),
    "send": ("Send", "提交"),
    "acknowledge": ("Acknowledge", "响应"),
    "note": ("Note", "备注"),
    "handover": ("Hand over", "转交"),
    "escalate": ("Escalate", "升级"),
    "snooze": ("Snooze", "暂缓提醒"),
    "resolve": ("Resolve", "解决"),
    "set-root": ("Another root", "指定根源"),
    "alert": ("It came of", "根源是"),
    "feedback": ("Known error: did it help?", "已知错误：是否有效"),
    "known_error": ("Which one", "哪一条"),
    "outcome": ("What came of it", "结果"),
    "used": ("it helped", "有效"),
    "helped_partly": ("it helped partly", "部分有效"),
    "did_not_work": ("it did not work", "无效"),
    "not_applicable": ("it is another trouble", "不适用"),
    "text": ("What you saw or did", "所见或所做"),
    "reason": ("Why", "原因"),
    "handover.to": ("To", "转给"),
    "minutes": ("For how many minutes", "分钟数"),
    "type": ("How", "方式"),
    "permanent": ("permanent", "永久解决"),
    "workaround": ("workaround", "临时措施"),
    "no_fault": ("no fault", "无故障"),
    "user_withdrawn": ("withdrawn by the user", "用户撤回"),
    "resolution": ("What helped", "解决办法"),
    "restored": ("Alerts still fire, and the service is back", "告警仍在,但服务已恢复"),
}


def say(word: str, language: Language) -> str:
    """A word of the console; what it has no word for stays as it is."""
    found = _WORDS.get(word)
    return word if found is None else found[language == "zh"]
