"""Files of incidents: taken within their limits, served as downloads that no browser runs, gone with their person."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from email.message import EmailMessage
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import pytest_asyncio
from click.testing import CliRunner

from agent.__main__ import main
from agent.loading.load import load_desk
from correlation.attachment import LARGEST, MOST, safe_name
from tests.agent.http.serving import Answered, Served, served
from tests.agent.http.test_mails import MAILED, only, send
from tests.real.parts import Database

MIB = 1024 * 1024


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path, files=MAILED) as running:
        yield running


async def attach(
    api: Served, number: str, content: bytes = b"\x89PNG", name: str = "screen.png", as_: str = "desk", **headers: str
) -> Answered:
    path = f"/api/v1/incidents/{number}/attachments" + (f"?name={quote(name, safe='')}" if name else "")
    return await api.call("POST", path, data=content, as_=as_, headers={"Content-Type": "image/png", **headers})


async def download(api: Served, number: str, attached: int, as_: str = "desk") -> tuple[int, dict[str, str], bytes]:
    headers = {"Authorization": f"Bearer {await api.token(as_)}"}
    path = f"{api.url}/api/v1/incidents/{number}/attachments/{attached}"
    async with api.session.get(path, headers=headers) as response:
        return response.status, dict(response.headers), await response.read()


async def test_a_file_comes_back_as_it_was_as_a_download(api: Served) -> None:
    number = await api.report("printer")
    made = await attach(api, number, b"\x89PNG\x00\xff", "屏幕 1.png")
    assert made.status == 201, made.text
    assert (made.body["name"], made.body["kind"], made.body["size"]) == ("屏幕 1.png", "image/png", 6)
    assert made.body["sha256"] == hashlib.sha256(b"\x89PNG\x00\xff").hexdigest()
    status, headers, content = await download(api, number, made.body["id"])
    assert (status, content) == (200, b"\x89PNG\x00\xff")
    assert headers["X-Content-Type-Options"] == "nosniff"
    told = headers["Content-Disposition"]
    assert told == f"attachment; filename=\"__ 1.png\"; filename*=UTF-8''{quote('屏幕 1.png', safe='')}"
    listed = (await api.get(f"/api/v1/incidents/{number}/attachments")).items
    assert listed == [made.body]
    timeline = (await api.get(f"/api/v1/incidents/{number}/timeline")).items
    assert [h["facts"]["file"] for h in timeline if h["kind"] == "attached"] == ["屏幕 1.png"]


@pytest.mark.parametrize(
    "kind", ["text/html", "image/svg+xml", "application/javascript", "nonsense", "text/html;x=a/b"]
)
async def test_what_a_browser_would_run_is_served_as_bytes(api: Served, kind: str) -> None:
    number = await api.report("printer")
    made = await attach(api, number, b"<script>", "x.html", **{"Content-Type": kind})
    _, headers, _ = await download(api, number, made.body["id"])
    assert headers["Content-Type"] == "application/octet-stream"
    assert "sandbox" in headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a\r\nSet-Cookie: x", "a Set-Cookie x"),
        ('x"; filename="y', "x ; filename= y"),
        ("gpj\u202egnp.exe", "gpj gnp.exe"),
        (".htaccess", "htaccess"),
        ("..", "file"),
        ("", "file"),
        ("报" * 400 + ".pdf", "报" * 139 + ".pdf"),
    ],
)
def test_a_name_is_made_safe(sent: str, kept: str) -> None:
    assert safe_name(sent) == kept


async def test_a_name_may_stand_in_content_disposition(api: Served) -> None:
    number = await api.report("printer")
    told = "attachment; filename*=UTF-8''" + quote("发票.pdf")
    headers: dict[str, Any] = {"Content-Disposition": told}
    made = await attach(api, number, name="", **headers)
    assert made.body["name"] == "发票.pdf"


async def test_what_is_over_a_limit_is_refused_with_the_rule(api: Served) -> None:
    number = await api.report("printer")
    assert (await attach(api, number, b"x" * LARGEST)).status == 201
    over = await attach(api, number, b"x" * (LARGEST + 1))
    assert (over.status, str(LARGEST) in over.body["detail"]) == (413, True)
    for _ in range(MOST // LARGEST - 1):
        assert (await attach(api, number, b"x" * LARGEST)).status == 201
    full = await attach(api, number, b"x")
    assert (full.status, "50 MiB together; 0 bytes are left" in full.body["detail"]) == (413, True)
    api.daemon.pipeline.desk = await load_desk(api.daemon.writer, api.daemon.config, api.clock.now())
    assert (await attach(api, number, b"x")).status == 413
    other = await api.report("scanner")
    assert (await attach(api, other, b"x")).status == 201
    assert (await attach(api, other, b"")).status == 422


async def test_uploads_side_by_side_do_not_pass_the_limit_together(api: Served) -> None:
    number = await api.report("printer")
    done = await asyncio.gather(*(attach(api, number, b"x" * LARGEST) for _ in range(7)))
    assert sorted(one.status for one in done) == [201] * 5 + [413] * 2


async def test_only_those_who_may_read_the_incident_see_its_files(api: Served) -> None:
    number = await api.report("printer", as_="cus")
    made = await attach(api, number, as_="cus")
    assert made.status == 201
    other = await api.report("scanner")
    assert (await attach(api, other, as_="cus")).status == 404
    assert (await download(api, number, made.body["id"], "ven"))[0] == 404
    assert (await download(api, number, made.body["id"], "cus"))[0] == 200
    assert (await download(api, other, made.body["id"]))[0] == 404
    assert (await attach(api, number, as_="vic")).status == 403
    assert (await download(api, number, made.body["id"], "vic"))[0] == 403
    assert "screen" not in (await api.get(f"/api/v1/incidents/{number}/attachments", as_="vic")).text
    assert (await api.get(f"/api/v1/incidents/{number}/attachments", as_="")).status == 401


async def test_what_is_over_takes_no_more_files(api: Served) -> None:
    number = await api.report("printer")
    await api.act(number, "cancel", {"reason": "a drill"})
    assert (await attach(api, number)).status == 409


async def test_an_upload_under_a_key_is_done_once(api: Served) -> None:
    number = await api.report("printer")
    headers: dict[str, Any] = {"Idempotency-Key": "k"}
    one, two = [await attach(api, number, **headers) for _ in range(2)]
    assert (one.status, one.text) == (201, two.text)
    assert len((await api.get(f"/api/v1/incidents/{number}/attachments")).items) == 1


async def test_the_files_of_a_mail_are_kept_and_what_is_too_large_is_told(api: Served) -> None:
    made = EmailMessage()
    made["From"], made["Subject"], made["Message-ID"] = "bob@example.org", "printer", "<1@x>"
    made.set_content("see the picture")
    made.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="屏幕.png")
    made.add_attachment(b"x" * (LARGEST + 1), maintype="application", subtype="zip", filename="log.zip")
    await send(api, made.as_bytes())
    found = await only(api)
    files = (await api.get(f"/api/v1/incidents/{found['number']}/attachments")).items
    assert [(f["name"], f["by"]) for f in files] == [("屏幕.png", "bob@example.org")]
    timeline = (await api.get(f"/api/v1/incidents/{found['number']}/timeline")).items
    assert [h["facts"]["file"] for h in timeline if h["kind"] == "not_attached"] == ["log.zip"]
    await api.post("/api/v1/people/erase", {"person": "bob@example.org"}, as_="root")
    assert (await api.get(f"/api/v1/incidents/{found['number']}/attachments")).items == []
    assert await api.daemon.writer.fetch("SELECT COUNT(*) FROM attachment") == [(0,)]


async def test_the_command_line_attaches_lists_and_downloads(api: Served, tmp_path: Path) -> None:
    number = await api.report("printer")
    environment = {"TOCSIN_URL": api.url, "TOCSIN_TOKEN": await api.token("desk")}
    sent, got = tmp_path / "说明.txt", tmp_path / "got.txt"
    sent.write_text("read me")

    async def run(*words: str) -> str:
        done = await asyncio.to_thread(CliRunner().invoke, main, ["incident", *words], env=environment)
        assert done.exit_code == 0, done.output
        return done.output

    attached = (await run("attach", number, str(sent))).split()[0]
    assert "说明.txt" in await run("attachments", number)
    await run("download", number, attached, "--to", str(got))
    assert got.read_text() == "read me"


async def test_it_is_the_same_on_postgresql(tmp_path: Path, postgres: Database) -> None:
    async with served(tmp_path, postgres.url) as api:
        number = await api.report("printer")
        made = await attach(api, number, b"\x00\xff" * MIB)
        status, _, content = await download(api, number, made.body["id"])
        assert (status, content) == (200, b"\x00\xff" * MIB)
        assert (await api.get(f"/api/v1/incidents/{number}/attachments")).items == [made.body]
