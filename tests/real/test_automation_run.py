"""A real program is run by the real daemon: approved, once, and told; a kill -9 in the middle runs nothing twice."""

import json
from pathlib import Path
from typing import Any

from tests.real.daemon import Tocsin, Yaml, firing, site
from tests.real.load import tell
from tests.real.parts import WebhookSink
from tests.real.running import give_to_nobody, until

RUNS = "/api/v1/automation-runs"
HUNG = {"alertname": "HostHung", "instance": "web-1"}


def program(directory: Path, text: str) -> str:
    path = directory / "restart"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


def acting(hook: str, argv: list[str], **rule: Any) -> dict[str, Yaml]:
    """A site with one action, and a known error that has it."""
    files = site(hook=hook)
    action = {"argv": [*argv, "{instance}"], "labels": {"instance": "[a-z][a-z0-9-]*"}, "approve": "l2", **rule}
    files["tocsin"] |= {"automation": {"enabled": True, "actions": {"restart": action}}}
    return files


async def write_known_error(tocsin: Tocsin) -> None:
    entry = {"id": "host-hung", "title": "A host hangs", "match": HUNG, "workaround": "restart it", "action": "restart"}
    status, said = await tocsin.ask("POST", "/api/v1/known-errors", entry, tocsin.token)
    assert status == 201, said


async def only_run(tocsin: Tocsin, *states: str) -> Any:
    """The one run, as soon as it is in one of these states."""

    async def found() -> Any:
        items = (await tocsin.get(RUNS))["items"]
        assert len(items) <= 1
        return items[0] if items and items[0]["state"] in states else None

    return await until(found, f"a run that is {' or '.join(states)}")


async def approve(tocsin: Tocsin, run: Any, by: str, **body: Any) -> tuple[int, Any]:
    status, said = await tocsin.ask("POST", f"{RUNS}/{run['id']}/approve", body, await tocsin.token_of(by))
    return status, json.loads(said)


async def test_a_program_is_run_after_the_yes_of_the_role_and_what_it_said_is_kept(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    done = give_to_nobody(open_dir / "done") / "told"
    argv = [program(open_dir, f'echo "$@" >> {done}; echo restarted "$@"')]
    async with Tocsin(open_dir, acting(webhook_sink.url, argv, verify="1s")) as tocsin:
        await write_known_error(tocsin)
        assert await tell(tocsin, firing(**HUNG)) == 200
        run = await only_run(tocsin, "proposed")
        assert (run["argv"], run["approve"]) == ([*argv, "web-1"], "l2")
        assert (await approve(tocsin, run, "ana"))[0] == 403
        assert (await approve(tocsin, run, "wei", dry_run=True))[1]["state"] == "proposed"
        assert not done.exists()
        assert (await approve(tocsin, run, "wei"))[0] == 200
        ended = await only_run(tocsin, "succeeded")
        assert (ended["exit_code"], ended["output"], ended["decided_by"]) == (0, "restarted web-1\n", "wei")
        assert done.read_text() == "web-1\n"

        async def told() -> bool:
            return "action_not_verified" in await tocsin.kinds(run["incident"])

        await until(told, "the alert that still fires is told")
        kinds = [kind for kind in await tocsin.kinds(run["incident"]) if kind.startswith("action_")]
        assert kinds[-5:] == [
            "action_dry_run",
            "action_approved",
            "action_started",
            "action_succeeded",
            "action_not_verified",
        ]
        assert await tocsin.metric("tocsin_automation_runs_total", result="succeeded") == 1
        assert (await approve(tocsin, run, "pat"))[0] == 403
        again = await tocsin.ask("POST", f"{RUNS}/{run['id']}/decline", {"reason": "x"}, await tocsin.token_of("wei"))
        assert again[0] == 409


ENDS = {
    "action_succeeded",
    "action_failed",
    "action_timed_out",
    "action_unknown_end",
    "action_stopped",
    "action_expired",
}


async def test_a_run_that_a_kill_cuts_off_is_unknown_and_is_not_run_again(
    open_dir: Path, webhook_sink: WebhookSink
) -> None:
    place = give_to_nobody(open_dir / "done")
    done, enough = place / "told", place / "enough"
    waits = f"echo begun >> {done}; for n in $(seq 600); do [ -e {enough} ] && exit 0; sleep 0.1; done"
    files = acting(webhook_sink.url, [program(open_dir, waits)], approve="none", timeout="60s")
    async with Tocsin(open_dir, files) as tocsin:
        await write_known_error(tocsin)
        assert await tell(tocsin, firing(**HUNG)) == 200
        await only_run(tocsin, "started")
        await until(done.exists, "the program has begun")
        await tocsin.restart()
        run = await only_run(tocsin, "unknown")
        assert "action_unknown_end" in await tocsin.kinds(run["incident"])
        await until(lambda: any("action_failed" in str(p.headers) for p in webhook_sink.received), "somebody is told")
        await tocsin.restart()
        await only_run(tocsin, "unknown")
        ends = [kind for kind in await tocsin.kinds(run["incident"]) if kind in ENDS]
        assert ends == ["action_unknown_end"], "one record of its end, however often it starts again"
        enough.touch()
    assert done.read_text() == "begun\n"
