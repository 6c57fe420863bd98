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
        await phone.shows("'with ana'")
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
