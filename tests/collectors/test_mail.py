"""Mails as people and machines send them: charsets, broken MIME, threads, signs of a machine."""

import base64
from email.header import Header
from email.message import EmailMessage

import pytest
from hypothesis import given
from hypothesis import strategies as st

from collectors.alert import NotThisFormat
from collectors.mail import TEXT_MOST, parse_mail, text_of_html

HEAD = b"From: Bob <Bob@Example.org>\r\nMessage-ID: <1@x>\r\nSubject: printer\r\n"


def mail(head: bytes = HEAD, body: bytes = b"it is dark") -> bytes:
    return head + b"\r\n" + body


def test_a_plain_mail_says_who_wrote_what_in_which_thread() -> None:
    head = HEAD + b"References: <a@x> <b@x>\r\nIn-Reply-To: <b@x>\r\n"
    found = parse_mail(mail(head, b"it is dark\r\n\r\nOn Monday Ana wrote:\r\n> is it plugged in?\r\n"))
    assert (found.message_id, found.refers_to) == ("<1@x>", ("<b@x>", "<a@x>"))
    assert (found.sender, found.sender_name, found.subject) == ("bob@example.org", "Bob", "printer")
    assert (found.text, found.automatic, found.answer) == ("it is dark", "", False)


@pytest.mark.parametrize("charset", ["gb2312", "GBK", "gb18030", "utf-8", "big5"])
@pytest.mark.parametrize("encoding", ["base64", "quoted-printable", "8bit"])
def test_chinese_is_read_in_every_charset_and_encoding(charset: str, encoding: str) -> None:
    import quopri

    text = "打印機壞了" if charset == "big5" else "打印机坏了,请处理"
    raw = text.encode(charset)
    packed = {"base64": base64.encodebytes(raw), "quoted-printable": quopri.encodestring(raw), "8bit": raw}[encoding]
    subject = Header(text, charset).encode().encode()
    name = Header("张三" if charset != "big5" else "張三", charset).encode().encode()
    head = b"From: " + name + b" <z@x.cn>\r\nSubject: " + subject + b"\r\n"
    head += f"Content-Type: text/plain; charset={charset}\r\nContent-Transfer-Encoding: {encoding}\r\n".encode()
    found = parse_mail(mail(head, packed))
    assert (found.subject, found.text.strip(), found.sender) == (text, text, "z@x.cn")
    assert found.sender_name in ("张三", "張三")


def test_a_charset_that_lies_is_read_as_what_it_is() -> None:
    head = (
        b"From: a@b.cn\r\nSubject: " + "服务器".encode("gb18030") + b"\r\nContent-Type: text/plain; charset=x-none\r\n"
    )
    found = parse_mail(mail(head, "䶮㐀 rare 𠮷".encode("gb18030")))
    assert (found.subject, found.text) == ("服务器", "䶮㐀 rare 𠮷")


def test_html_alone_becomes_text() -> None:
    html = b"<html><head><title>x</title><style>p{}</style></head><body><p>it&nbsp;is &lt;dark&gt;</p>"
    html += b"<script>alert(1)</script><table><tr><td>a</td><td>b</td></tr></table><br>end</body></html>"
    found = parse_mail(mail(HEAD + b"Content-Type: text/html; charset=utf-8\r\n", html))
    assert found.text.splitlines()[0] == "it is <dark>"
    assert "a b" in found.text
    assert "alert" not in found.text
    assert text_of_html("<p>one<p>two") == "one\ntwo"


def test_of_two_forms_the_plain_one_is_taken_and_files_are_kept_apart() -> None:
    made = EmailMessage()
    made["From"], made["Subject"] = "a@b.cn", "Re: 回复:磁盘"
    made.set_content("plain words")
    made.add_alternative("<p>html words</p>", subtype="html")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="屏幕 1.png")
    made.add_attachment("notes", filename="notes.txt")
    found = parse_mail(made.as_bytes())
    assert (found.subject, found.text) == ("磁盘", "plain words")
    assert [(f.name, f.kind) for f in found.files] == [("屏幕 1.png", "image/png"), ("notes.txt", "text/plain")]
    assert found.files[0].content == b"\x89PNG"


@pytest.mark.parametrize(
    ("head", "sign", "answer"),
    [
        (b"Auto-Submitted: auto-replied; x\r\n", "auto-replied", True),
        (b"Auto-Submitted: auto-generated\r\n", "auto-generated", False),
        (b"Auto-Submitted: no\r\n", "", False),
        (b"Precedence: Bulk\r\n", "precedence", False),
        (b"List-Id: <l.x>\r\n", "list", False),
        (b"Return-Path: <>\r\n", "bounce", True),
        (b'Content-Type: multipart/report; boundary="b"\r\n', "report", True),
        (b"X-Tocsin-Incident: INC-1\r\n", "list", False),
    ],
)
def test_a_machine_is_known_by_its_signs(head: bytes, sign: str, answer: bool) -> None:
    found = parse_mail(mail(HEAD + head))
    assert (found.automatic, found.answer) == (sign, answer)


def test_a_mailer_daemon_is_a_machine() -> None:
    assert parse_mail(mail(b"From: MAILER-DAEMON@x.org\r\n")).answer
    assert parse_mail(mail(b"From: noreply@x.org\r\n")).automatic == "machine"


def nested(depth: int, *, as_mail: bool) -> bytes:
    if as_mail:
        return b"From: a@b.cn\r\n" + b"Content-Type: message/rfc822\r\n\r\n" * depth + b"x"
    parts = (b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return b"From: a@b.cn\r\n" + b"".join(parts)


@pytest.mark.parametrize("as_mail", [False, True])
@pytest.mark.parametrize("depth", [60, 150, 100_000])
def test_what_is_nested_too_deep_is_refused(depth: int, as_mail: bool) -> None:
    with pytest.raises(NotThisFormat, match="nested deeper"):
        parse_mail(nested(depth, as_mail=as_mail))


def test_ten_thousand_parts_are_refused() -> None:
    with pytest.raises(NotThisFormat, match="parts"):
        parse_mail(mail(HEAD + b"Content-Type: multipart/mixed; boundary=x\r\n", b"\r\n--x\r\n\r\nhi" * 10_000))


@pytest.mark.parametrize("body", [b"", b"{}", b"\x00" * 100, b"From: nobody\r\n\r\nx", b"Subject: x\r\n\r\ny"])
def test_what_is_no_mail_says_so(body: bytes) -> None:
    with pytest.raises(NotThisFormat):
        parse_mail(body)


def test_a_mail_without_an_id_has_one_of_its_own_and_a_long_text_an_end() -> None:
    one, two = parse_mail(b"From: a@b.cn\r\n\r\nx"), parse_mail(b"From: a@b.cn\r\n\r\ny")
    assert one.message_id != two.message_id
    assert parse_mail(b"From: a@b.cn\r\n\r\nx").message_id == one.message_id
    assert len(parse_mail(b"From: a@b.cn\r\n\r\n" + b"long " * 10_000).text) == TEXT_MOST
    assert (one.title, parse_mail(b"From: a@b.cn\r\n\r\n").title) == ("x", "(no subject)")


@given(st.binary(max_size=400), st.binary(max_size=400))
def test_whatever_comes_is_a_mail_or_refused(head: bytes, body: bytes) -> None:
    try:
        found = parse_mail(b"From: a@b.cn\r\n" + head + b"\r\n\r\n" + body)
    except NotThisFormat:
        return
    assert "\x00" not in found.subject + found.text
    (found.subject + found.text + found.sender_name).encode()
