"""The console in a real browser: its cookies, the origin of its forms, its policy on scripts, the size of a phone."""

from pathlib import Path

import pytest

from tests.agent.http.serving import served
from tests.house import alert
from tests.real.browser import Phone
from tests.real.running import until

LABELS = {
    "alertname": "DiskFull",
    "instance": f"{'a-very-long-name-' * 12}db-1.example.com:9100",
    "severity": "critical",
}


@pytest.mark.real("chromium")
async def test_somebody_signs_in_and_acknowledges(open_dir: Path, tmp_path: Path) -> None:
    async with served(tmp_path, external_url="") as api, Phone(open_dir) as phone:
        await api.receive(alert(LABELS, annotations={"summary": "磁盘已满" * 60}))
        (found,) = (await api.get("/api/v1/incidents")).items
        await phone.open(f"{api.url}/incidents/{found['number']}")
        await phone.type("input[name=token]", await api.token("ana"))
        await phone.tap("button")
        await phone.shows(repr(found["number"]))
        assert await phone.too_wide() <= 0

        await phone.tap("form[action$=acknowledge] button")

        async def is_anas() -> bool:
            return bool((await api.get(f"/api/v1/incidents/{found['number']}")).body["assignee"] == "ana")

        await until(is_anas, "ana has it")
        await phone.shows("'with Ana'")
        assert await phone.evaluate("document.querySelector('form[action$=acknowledge]')") is None

        await phone.tap("form[action$=note] textarea")
        await phone.type("form[action$=note] textarea", "I am on it")
        await phone.tap("form[action$=note] button")
        await phone.shows("'I am on it'")

        await phone.open(f"{api.url}/")
        await phone.shows(repr(found["number"]))
        assert await phone.too_wide() <= 0
        assert await phone.evaluate("document.cookie") == ""
        await phone.tap("form[action='/sign-out'] button")
        await phone.shows("'Token'")


@pytest.mark.real("chromium")
async def test_somebody_silences_an_incident_and_ends_that_again(open_dir: Path, tmp_path: Path) -> None:
    async with served(tmp_path, external_url="") as api, Phone(open_dir) as phone:
        await api.receive(alert(LABELS), alert({**LABELS, "severity": "warning"}))
        await api.receive(alert({"alertname": "LinkDown", "instance": f"{'core-switch-' * 20}1"}))
        number = next(one["number"] for one in (await api.get("/api/v1/incidents")).items if "Disk" in one["title"])
        await phone.open(f"{api.url}/incidents/{number}")
        await phone.type("input[name=token]", await api.token("pat"))
        await phone.tap("button")
        await phone.shows(repr(number))
        for form in ("silence", "merge"):
            await phone.evaluate(f"document.querySelector('form[action$={form}]').parentElement.open = true")
        assert await phone.too_wide() <= 0
        await phone.type("form[action$=silence] textarea", "known since the upgrade")
        await phone.tap("form[action$=silence] button")
        await phone.shows("'Waits until'")

        await phone.open(f"{api.url}/")
        await phone.tap("a[href='/silences']")
        await phone.shows("'known since the upgrade'")
        assert await phone.too_wide() <= 0
        await phone.tap("form[action$='/end'] button")
        await phone.shows("'Nothing is silenced.'")

        await api.act(number, "feedback", {"known_error": "disk-space-low", "outcome": "used"}, "pat")
        await phone.open(f"{api.url}/known-errors")
        await phone.shows("'A filesystem is almost full'")
        assert await phone.too_wide() <= 0
