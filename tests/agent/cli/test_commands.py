"""The client commands against a running application, and their exit codes."""

import asyncio
import json
import re
import sqlite3
import subprocess
from collections.abc import AsyncIterator
from contextlib import closing
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
from click.testing import CliRunner, Result

from agent import tokens
from agent.__main__ import main
from agent.cli.options import Instant
from agent.cli.printing import cut_to
from agent.cli.showing import ALERTS_SHOWN
from agent.clock import SystemClock
from agent.storage.database import sqlite_path
from collectors.moment import parse_moment
from correlation.incident import Action
from tests.agent.http.serving import DISK_FULL, Served, served
from tests.house import SITE, alert
from tests.real.daemon import entry_point


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


async def run(api: Served, *words: str, as_: str = "ana") -> Result:
    """Run a command as a person, in a thread: the application answers meanwhile."""
    environment = {"TOCSIN_URL": api.url, "TOCSIN_TOKEN": await api.token(as_) if as_ else ""}
    return await asyncio.to_thread(CliRunner().invoke, main, list(words), env=environment)


async def test_an_incident_is_listed_shown_acknowledged_and_resolved(api: Served) -> None:
    number = await api.open_incident()
    listed = await run(api, "incident", "list")
    assert listed.exit_code == 0, listed.output
    heads, row = listed.output.splitlines()
    assert heads.split()[:3] == ["NUMBER", "SEV", "STATE"]
    assert row.startswith(f"{number}  2    assigned  sys-ops  -")
    taken = await run(api, "incident", "ack", number)
    assert taken.output.startswith(f"{number}  in_progress  ana")
    words = ["--type", "workaround", "--resolution", "logs cut", "--note", "freed 20 GB"]
    refused = await run(api, "incident", "resolve", number, *words)
    assert (refused.exit_code, "service_restored_at" in refused.stderr) == (1, True)
    restored = ["--service-restored-at", "2026-03-02T09:00:00Z", "--json"]
    done = await run(api, "incident", "resolve", number, *words, *restored)
    assert json.loads(done.stdout)["state"] == "resolved"
    shown = await run(api, "incident", "show", number)
    assert f"{number}  DiskFull db-1:9100" in shown.output
    assert "acknowledged; ana has it" in shown.output


async def test_an_alert_is_shown_with_its_labels_and_with_what_its_rule_says(api: Served) -> None:
    number = await api.open_incident()
    shown = (await run(api, "incident", "show", number.lower())).output
    assert "firing  DiskFull  instance=db-1:9100" in shown
    assert "  why here: no open incident took it in" in shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [("abcde", "abcde"), ("abcdef", "abcd…"), ("核心交换", "核心…"), ("a核心交", "a核…"), ("", "")],
)
def test_a_title_is_cut_to_the_columns_that_it_takes(text: str, shown: str) -> None:
    assert cut_to(text, 5) == shown


async def test_an_empty_list_says_so(api: Served) -> None:
    assert "nothing of this is there" in (await run(api, "incident", "list")).stderr


async def test_acknowledge_is_ack(api: Served) -> None:
    number = await api.open_incident()
    assert (await run(api, "incident", "acknowledge", number)).output.startswith(f"{number}  in_progress  ana")


async def test_alerts_are_silenced_and_the_silence_is_ended(api: Served) -> None:
    matchers = ('alertname="DiskFull"', 'instance=~"db-.+"')
    until = ("--until", "2100-01-01T00:00:00Z", "--comment", "a new disk")
    made = json.loads((await run(api, "silence", "add", *matchers, *until, "--json")).stdout)
    assert made["matchers"] == list(matchers)
    assert made["id"] in (await run(api, "silence", "list")).output
    assert "expired" in (await run(api, "silence", "end", made["id"])).output
    refused = await run(api, "silence", "add", *matchers, "--until", "soon", "--comment", "x")
    assert (refused.exit_code, "or a span such as 2h" in refused.stderr) == (2, True)


@pytest.mark.parametrize(("ahead", "sign"), [(True, 1), (False, -1)])
def test_a_span_counts_from_now_in_the_direction_of_its_option(ahead: bool, sign: int) -> None:
    before = SystemClock().now()
    told = parse_moment(Instant(ahead=ahead).convert("2h", None, None))
    assert told is not None
    assert abs(told - before - sign * timedelta(hours=2)) < timedelta(minutes=10)


async def test_the_word_for_and_a_choice_are_options(api: Served) -> None:
    number = await api.open_incident()
    await run(api, "incident", "ack", number)
    words = ["--for", "vendor", "--reason", "waiting for a disk"]
    assert (await run(api, "incident", "suspend", number, *words)).output.startswith(f"{number}  pending_vendor")
    assert (await run(api, "incident", "suspend", number, "--for", "nobody", "--reason", "x")).exit_code == 2


async def test_what_is_missing_is_named_as_it_is_written_on_the_command_line(api: Served) -> None:
    number = await api.open_incident()
    words = ["--type", "workaround", "--resolution", "logs cut", "--note", "freed 20 GB"]
    assert "(--service-restored-at)" in (await run(api, "incident", "resolve", number, *words)).stderr
    without = await run(api, "incident", "resolve", number)
    assert (without.exit_code, "Missing option '--type'" in without.stderr) == (2, True)
    assert "(--text)" in (await run(api, "incident", "note", number)).stderr


async def test_what_holds_the_steps_stands_before_the_next_one_which_comes_then(api: Served) -> None:
    number = await api.open_incident()
    silence = {"matchers": ['alertname="DiskFull"'], "ends_at": "2026-03-02T10:00:00Z", "comment": "new disks"}
    assert (await api.post("/api/v1/silences", silence, as_="ana")).status == 201
    lines = (await run(api, "incident", "show", number)).output.splitlines()
    held = next(place for place, line in enumerate(lines) if line.startswith("steps wait until 2026-03-02 10:00:00Z"))
    assert lines[held + 1].startswith("next step        2/r50 at 2026-03-02 10:00:00Z to ")


async def test_an_incident_says_when_all_of_its_alerts_were_cleared(api: Served) -> None:
    number = await api.open_incident()
    assert "alerts cleared" not in (await run(api, "incident", "show", number)).output
    await api.receive(alert(DISK_FULL, ends="2026-03-02T09:00:10Z"))
    assert "alerts cleared   2026-03-02 09:00:" in (await run(api, "incident", "show", number)).output


async def test_a_token_for_nobody_is_made_and_told_as_one(api: Served) -> None:
    slip = await run(api, "token", "create", "--person", "luise", "--storage.url", api.storage)
    assert (slip.exit_code, slip.stdout.startswith("tcs_")) == (0, True)
    assert "people.yaml has no 'luise' (did you mean 'luis'?)" in slip.stderr
    for name in ("luis", "admin"):
        assert (await run(api, "token", "create", "--person", name, "--storage.url", api.storage)).stderr == ""


async def test_whether_there_is_such_a_person_is_looked_up_where_the_configuration_is(
    api: Served, tmp_path: Path
) -> None:
    there = ["--config.dir", str(SITE), "--storage.url", api.storage]
    assert (await run(api, "token", "create", "--person", "ana", *there)).stderr == ""
    slip = await run(api, "token", "create", "--source", "amm", *there)
    assert "tocsin.yaml has no 'amm' (did you mean 'am'?)" in slip.stderr
    (tmp_path / "people.yaml").write_text("people: [")
    faulty = await run(
        api, "token", "create", "--person", "ana", "--config.dir", str(tmp_path), "--storage.url", api.storage
    )
    assert (faulty.exit_code, faulty.stdout.startswith("tcs_")) == (0, True)
    assert "people.yaml" in faulty.stderr


async def test_a_note_may_stand_behind_the_number(api: Served) -> None:
    number = await api.open_incident()
    assert (await run(api, "incident", "note", number, "the disk is on its way")).exit_code == 0
    assert "the disk is on its way" in (await run(api, "incident", "show", number)).output


async def test_what_to_mind_is_shown_with_the_workaround(api: Served) -> None:
    await api.receive(alert({"alertname": "DiskSpaceLow", "instance": "db-1:9100", "severity": "critical"}))
    (found,) = (await api.get("/api/v1/incidents")).items
    assert "\nsafety: Do not delete files" in (await run(api, "incident", "show", found["number"])).output


def test_every_act_is_a_command() -> None:
    found = CliRunner().invoke(main, ["incident", "--help"]).output
    for action in Action:
        name = "ack" if action is Action.ACKNOWLEDGE else str(action)
        assert f"\n  {name} " in found, action


async def test_who_is_on_call_now_and_in_the_days_to_come(api: Served) -> None:
    now = (await run(api, "oncall", "who")).output.splitlines()
    assert now[1].split(maxsplit=3) == ["sys-l1", "sys-ops", "l1", "luis, ana"]
    for span in (("--days", "8"), ("--next", "8d")):
        days = (await run(api, "oncall", "show", *span)).output.splitlines()
        assert [(line.split()[1], line.split()[-1]) for line in days[1:]] == [
            ("2026-03-02", "luis"),
            ("2026-03-09", "ana"),
        ]
    then = (await run(api, "oncall", "who", "--at", "2026-03-10T00:00:00Z")).output.splitlines()
    assert then[1].split(maxsplit=3) == ["sys-l1", "sys-ops", "l1", "ana, luis"]


async def test_who_stands_in_is_laid_over_the_rota_shown_and_taken_back(api: Served) -> None:
    given = ("--person", "ana", "--replaces", "luis", "--reason", "ill")
    made = (await run(api, "oncall", "override", "sys-l1", *given)).output.splitlines()[1].split()
    assert made[1:4] == ["sys-l1", "ana", "luis"]
    assert "ana" in (await run(api, "oncall", "overrides")).output
    assert (await run(api, "oncall", "end", made[0])).exit_code == 0
    assert "ana" not in (await run(api, "oncall", "overrides")).output
    swapped = ("--person", "luis", "--from", "2026-03-04T00:00:00Z", "--until", "2026-03-05T00:00:00Z", "--with", "ana")
    other = ("--with-from", "2026-03-11T00:00:00Z", "--with-until", "2026-03-12T00:00:00Z", "--reason", "a wedding")
    rows = (await run(api, "oncall", "swap", "sys-l1", *swapped, *other)).output.splitlines()
    assert [row.split()[2:4] for row in rows[1:]] == [["ana", "luis"], ["luis", "ana"]]


async def test_a_calendar_file_is_imported(api: Served, tmp_path: Path) -> None:
    event = "BEGIN:VEVENT\nUID:1\nDTSTART:20260304T000000Z\nDURATION:P1D\nSUMMARY:ana\nEND:VEVENT"
    (tmp_path / "team.ics").write_text(f"BEGIN:VCALENDAR\nVERSION:2.0\nPRODID:x\n{event}\nEND:VCALENDAR\n")
    done = await run(api, "oncall", "import", "sys-l1", str(tmp_path / "team.ics"), "--reason", "the team's calendar")
    assert done.output.splitlines()[1].split()[2] == "ana"


async def test_a_token_is_made_listed_and_ended_beside_a_running_daemon(api: Served) -> None:
    store = ("--storage.url", api.storage)
    made = (await run(api, "token", "create", "--person", "luis", *store)).output.strip()
    me = await api.get("/api/v1/me", as_="", headers={"Authorization": f"Bearer {made}"})
    assert me.body["id"] == "luis"
    rows = json.loads((await run(api, "token", "list", "--json", *store)).stdout)
    (mine,) = [r["id"] for r in rows if r["person"] == "luis"]
    assert made not in (await run(api, "token", "list", *store)).output
    assert (await run(api, "token", "revoke", mine, *store)).exit_code == 0
    assert (await run(api, "token", "revoke", mine, *store)).exit_code == 1
    source = (await run(api, "token", "create", "--source", "am", *store)).output.strip()
    assert await tokens.source_of(source, api.daemon.engine) == "am"


async def test_another_token_of_admin_has_the_roles_of_the_first(api: Served) -> None:
    made = await run(api, "token", "create", "--person", "admin", "--storage.url", api.storage)
    me = await api.get("/api/v1/me", as_="", headers={"Authorization": f"Bearer {made.output.strip()}"})
    assert me.body["roles"] == ["ops", "pm"]


async def test_a_refusal_ends_with_1_and_says_why(api: Served) -> None:
    number = await api.open_incident()
    refused = await run(api, "incident", "ack", number, as_="vic")
    assert (refused.exit_code, "acknowledge may be done by" in refused.stderr) == (1, True)
    stranger = await run(api, "incident", "list", as_="")
    assert (stranger.exit_code, "tocsin token create" in stranger.stderr) == (1, True)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["incident", "list", "--url", "http://127.0.0.1:1"], 4, "cannot be reached"),
        (["watch", "--url", "http://127.0.0.1:1"], 4, "cannot be reached"),
        (["incident", "list", "--url", "file:///etc/passwd"], 2, "is no address"),
        (["incident", "show", "../me"], 2, "is no number"),
        (["incident", "nothing"], 2, "No such command"),
        (["token", "list", "--storage.url", "sqlite:////nowhere/x.db"], 4, "there is no store"),
        (["token", "list", "--storage.url", "mysql://x"], 2, "is no storage URL"),
        (["serve", "--storage.url", "mysql://x"], 2, "is no storage URL"),
        (["db", "current", "--storage.url", "sqlite:///"], 2, "is no storage URL"),
        (["audit", "verify", "--storage.url", "x.db"], 2, "is no storage URL"),
        (["token", "create"], 2, "--person or --source"),
        (["token", "create", "--person", "a", "--source", "b"], 2, "--person or --source"),
        (["token", "create", "--person", "a", "--role", "king"], 2, "is no role"),
        (["notify", "test", "--person", "ana", "--config.dir", "/nowhere"], 3, "no such directory"),
        (["token", "create", "--source", "A b"], 2, "is no name of a source"),
        (["oncall", "show", "--next", "99999999d"], 2, "366d ahead at most"),
        (["serve", "--web.listen-address", "here"], 2, "write --web.listen-address=127.0.0.1:9099"),
        (["serve", "--web.listen-address", "127.0.0.1:99999"], 2, "write --web.listen-address=127.0.0.1:9099"),
        (["serve", "--web.external-url", "tocsin"], 2, "write --web.external-url=https://"),
        (["serve", "--web.external-url", "https://["], 2, "write --web.external-url=https://"),
        (
            ["serve", "--web.listen-address", "[::1]:0", "--storage.url", "sqlite:////proc/x/y.db"],
            4,
            "cannot be opened",
        ),
        (["db", "upgrade", "--storage.url", "sqlite:////proc/x/y.db"], 4, "cannot be opened"),
        (["audit", "verify", "--storage.url", "sqlite:////nowhere/x.db"], 4, "tocsin: there is no store"),
        (["replay", __file__, "--stretch", "nan"], 2, "--stretch must be more than 0"),
        (["replay", __file__, "--stretch", "1e300"], 2, "--stretch must be more than 0"),
        (["replay", __file__, "--out", "/nowhere/answer.json"], 2, "there is no folder /nowhere"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_every_failure_has_its_exit_code_and_its_sentence(words: list[str], code: int, told: str) -> None:
    result = CliRunner().invoke(main, words)
    assert (result.exit_code, told in result.stderr) == (code, True), result.output


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (
            ["serve", "--web.listen-address", "127.0.0.1:0", "--storage.url", "sqlite:///{}"],
            4,
            "file is not a database",
        ),
        (["token", "list", "--storage.url", "sqlite:///{}"], 4, "file is not a database"),
        (["db", "upgrade", "--storage.url", "sqlite:///{}"], 4, "file is not a database"),
        (["doctor", "--storage.url", "sqlite:///{}"], 4, "file is not a database"),
        (["doctor", "--storage.url", "postgresql://127.0.0.1:1/x"], 4, "Connect call failed"),
        (["doctor", "--config.dir", "{}"], 3, "there is no such directory"),
        (["doctor", "--storage.url", "{}"], 2, "is no storage URL"),
        (["config", "export", "--storage.url", "sqlite:///{}"], 4, "cannot be read: file is not a database\n"),
        (["audit", "verify", "--storage.url", "sqlite:///{}"], 4, "cannot be read: file is not a database\n"),
        (["db", "current", "--storage.url", "sqlite:///{}"], 4, "cannot be read: file is not a database\n"),
        (["replay", "{}"], 1, "it is neither JSON lines nor a store"),
        (["rehearse", "{}"], 3, "it is no UTF-8 text"),
    ],
    ids=lambda value: " ".join(value[:2]) if isinstance(value, list) else None,
)
def test_a_file_of_garbage_is_told_in_one_sentence(words: list[str], code: int, told: str, tmp_path: Path) -> None:
    garbage = tmp_path / "garbage"
    garbage.write_bytes(b"\xff\xfe\x00garbage" * 100)
    result = CliRunner().invoke(main, [word.format(garbage) for word in words])
    assert (result.exit_code, told in result.output) == (code, True), result.output
    assert garbage.read_bytes() == b"\xff\xfe\x00garbage" * 100


@pytest.mark.parametrize(
    "words", [["list"], ["create", "--person", "ana"], ["revoke", "x"]], ids=lambda words: words[0]
)
async def test_a_store_of_a_newer_release_takes_no_tokens_from_this_one(api: Served, words: list[str]) -> None:
    with closing(sqlite3.connect(sqlite_path(api.storage))) as db, db:
        db.execute("UPDATE alembic_version SET version_num = '9999'")
    done = await run(api, "token", *words, "--storage.url", api.storage)
    assert (done.exit_code, "has the schema 9999" in done.stderr) == (1, True)


def test_a_store_that_no_daemon_has_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "empty.db").touch()
    done = CliRunner().invoke(main, ["token", "list", "--storage.url", f"sqlite:///{tmp_path}/empty.db"])
    assert (done.exit_code, "start `tocsin serve` once" in done.stderr) == (4, True)


async def test_what_is_printed_to_nobody_is_no_fault(tmp_path: Path) -> None:
    command = [*entry_point(), "check", "config", "--config.dir", str(tmp_path)]
    done = await asyncio.to_thread(
        subprocess.run, ["sh", "-c", 'exec "$@" >&-', "sh", *command], stderr=subprocess.PIPE, check=False
    )
    assert (done.returncode, b"Traceback" in done.stderr) == (0, False), done.stderr


async def test_a_test_message_goes_by_each_contact_of_a_person(api: Served) -> None:
    site = str(api.daemon.options.config_dir)
    sent = await run(api, "notify", "test", "--person", "ana", "--config.dir", site)
    assert (sent.exit_code, sent.output) == (0, "hook to ana: delivered\n")
    assert (await run(api, "notify", "test", "--person", "vic", "--config.dir", site)).exit_code == 3
    assert (await run(api, "notify", "test", "--person", "nobody", "--config.dir", site)).exit_code == 2


async def test_watching_prints_what_happens_until_the_daemon_ends_it(api: Served) -> None:
    watching = asyncio.create_task(run(api, "watch"))
    from tests.real.running import until

    events = api.daemon.pipeline.committed[-1].__self__  # type: ignore[attr-defined]  # the streams of the application
    await until(lambda: events.streams, "somebody watches")
    number = await api.report("it is down")
    await until(lambda: not any(s._waiting for s in events.streams), "it was told")
    await events.close()
    result = await watching
    told = re.compile(rf"^\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\dZ  {number}  opened  it is down$", re.MULTILINE)
    assert (result.exit_code, bool(told.search(result.stdout))) == (4, True), result.stdout


async def test_an_incident_of_several_alerts_shows_its_root_first_and_what_helps_with_that(api: Served) -> None:
    """What was told first is a symptom; the title is its, and the page leads to the cause all the same."""
    number = await api.open_incident({"alertname": "DiskSpaceLow", "instance": "db-1:9100", "severity": "critical"})
    await api.receive(alert({"alertname": "HostDown", "instance": "db-1:9100", "severity": "critical"}))
    (second,) = {i["number"] for i in (await api.get("/api/v1/incidents")).items} - {number}
    assert (await run(api, "incident", "merge", second, "--into", number, as_="pat")).exit_code == 0
    assert f"merged into      {number}" in (await run(api, "incident", "show", second)).output
    found = (await api.get(f"/api/v1/incidents/{number}")).body
    other = next(a for a in found["alerts"] if a["labels"]["alertname"] == "HostDown")
    named = await run(api, "incident", "set-root", number, "--alert", other["fingerprint"], as_="pat")
    assert named.exit_code == 0, named.output
    shown = (await run(api, "incident", "show", number)).output
    assert "likely root      HostDown db-1:9100" in shown
    assert shown.index("known error host-down") < shown.index("known error disk-space-low")
    assert shown.index("firing  HostDown") < shown.index("firing  DiskSpaceLow")
    assert f"fingerprint: {other['fingerprint']}" in shown, "what set-root and split ask for"
    assert "Do not delete files" not in shown
    assert "Do not delete files" in (await run(api, "incident", "show", number, "--all")).output


async def test_of_what_is_long_the_beginning_is_shown_and_all_of_it_when_asked(api: Served) -> None:
    number = await api.open_incident()
    await api.receive(*[alert({**DISK_FULL, "instance": "db-1:9100", "mountpoint": f"/m{n}"}) for n in range(30)])
    shown = (await run(api, "incident", "show", number)).output
    assert shown.count("why here:") == ALERTS_SHOWN
    assert "… and 11 more (--all)" in shown
    assert "alerts           31, 31 firing: DiskFull 31" in shown
    assert (await run(api, "incident", "show", number, "--all")).output.count("why here:") == 31


async def test_why_and_plan_are_asked_on_the_command_line(api: Served) -> None:
    number = await api.open_incident()
    told = (await run(api, "incident", "why", number)).output
    assert "DiskFull db-1:9100" in told
    assert "  why here: no open incident took it in" in told
    assert "  root:     the likely root" in told
    assert len(json.loads((await run(api, "incident", "why", number, "--json")).stdout)["items"]) == 1
    plan = (await run(api, "incident", "plan", number)).output
    assert plan.splitlines()[0].split() == ["DUE", "STEP", "WHO", "OUTCOME", "WHY"]
    assert "to come" in plan


async def test_what_paged_nobody_is_listed_with_its_reason(api: Served) -> None:
    await run(api, "silence", "add", 'alertname="DiskFull"', "--until", "2000d", "--comment", "new disks")
    await api.receive(alert({**DISK_FULL}, starts="2026-03-02T10:00:00+01:00"))
    await api.receive(alert({"alertname": "LinkDown", "instance": "sw-1"}))
    held = (await run(api, "alert", "list", "--decision", "suppressed")).output.splitlines()
    assert held[0].split() == ["SINCE", "STATUS", "ALERT", "DECISION", "INCIDENT", "WHY"]
    (line,) = held[1:]
    assert line.startswith("2026-03-02 09:00:00Z  firing  DiskFull db-1:9100  suppressed  -")
    assert "silenced by ana until" in line
    assert len((await run(api, "alert", "list")).output.splitlines()) == 3
    assert len(json.loads((await run(api, "alert", "list", "--json")).stdout)["items"]) == 2


async def test_the_list_names_the_root_where_the_title_does_not(api: Served) -> None:
    await api.open_incident({"alertname": "PostgresDown", "instance": "db-1:9187", "severity": "critical"})
    assert "root:" not in (await run(api, "incident", "list")).output
    await api.receive(alert({"alertname": "HostDown", "instance": "db-1:9100", "severity": "critical"}))
    listed = (await run(api, "incident", "list")).output
    assert "PostgresDown db-1:9187  (root: HostDown db-1:9100)" in listed
    (number,) = [line.split()[0] for line in listed.splitlines()[1:]]
    assert (
        "  because        a host that is down, severity 2; 1 of 1 others"
        in (await run(api, "incident", "show", number)).output
    )
