"""The answer to a reporter's mail."""

from escalation.delivery import Message
from escalation.words import Language, one_line

_SUBJECT, _SHORT = 200, 200


def receipt(number: str, title: str, language: Language = "en") -> Message:
    """What a reporter is told: that it came, and its number; nothing of what is inside the house."""
    shown = one_line(title, 160)
    if language == "zh":
        subject = f"[{number}] 已收到：{shown}"
        text = f"您好：\n\n您的来信已收到并登记，编号为 {number}。\n如需补充，请直接回复本邮件。\n\n主题：{shown}"
    else:
        subject = f"[{number}] received: {shown}"
        text = (
            f"We have your message and have recorded it as {number}.\n"
            f"To add something, just answer this mail.\n\nSubject: {shown}"
        )
    return Message(one_line(subject, _SUBJECT), text, one_line(subject, _SHORT), {"number": number, "title": shown})
