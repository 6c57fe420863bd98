"""A real Chromium the size of a phone, driven over its debugging protocol."""

import itertools
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import aiohttp

from tests.real.running import Program, until

_QUIET = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PHONE = {"width": 390, "height": 844, "deviceScaleFactor": 2, "mobile": True}


class Chromium(Program):
    """The browser itself, with a profile of its own."""

    name = "chromium"

    def command(self) -> list[str]:
        profile = f"--user-data-dir={self.directory / 'profile'}"
        return ["chromium", *_QUIET, profile, f"--remote-debugging-port={self.port}", "about:blank"]

    async def ready(self) -> bool:
        return bool(await self.pages())

    async def pages(self) -> list[str]:
        """The debugging addresses of its pages."""
        async with aiohttp.ClientSession() as session, session.get(f"{self.url}/json/list") as response:
            return [page["webSocketDebuggerUrl"] for page in await response.json() if page["type"] == "page"]


class Phone:
    """One page of a browser, seen and touched as on a phone."""

    def __init__(self, directory: Path) -> None:
        self._browser = Chromium(directory)
        self._ids = itertools.count(1)

    async def __aenter__(self) -> Self:
        await self._browser.__aenter__()
        self._session = aiohttp.ClientSession()
        self._page = await self._session.ws_connect((await self._browser.pages())[0], max_msg_size=0)
        await self._ask("Emulation.setDeviceMetricsOverride", **_PHONE)
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType) -> None:
        await self._session.close()
        await self._browser.__aexit__(kind, error, at)

    async def _ask(self, method: str, **parameters: Any) -> Any:
        asked = next(self._ids)
        await self._page.send_json({"id": asked, "method": method, "params": parameters})
        while True:
            answer = await self._page.receive_json()
            if answer.get("id") == asked:
                assert "error" not in answer, answer
                return answer["result"]

    async def evaluate(self, script: str) -> Any:
        """The value of an expression on the page."""
        return (await self._ask("Runtime.evaluate", expression=script, returnByValue=True))["result"].get("value")

    async def open(self, url: str) -> None:
        """Go to an address."""
        await self._ask("Page.navigate", url=url)
        await self.shows("''")

    async def shows(self, text: str) -> None:
        """Wait until the page is there and its words hold a text (an expression)."""
        there = f"document.readyState === 'complete' && document.body.innerText.includes({text})"
        await until(lambda: self.evaluate(there), f"the page shows {text}")

    async def tap(self, selector: str) -> None:
        """Touch the first element that a selector finds."""
        found = await self.evaluate(f"document.querySelector({selector!r})?.click() === undefined")
        assert found, selector

    async def type(self, selector: str, text: str) -> None:
        """Write into a field."""
        await self.evaluate(f"document.querySelector({selector!r}).value = {text!r}")

    async def too_wide(self) -> int:
        """By how many pixels the page is wider than the phone."""
        return int(await self.evaluate("document.documentElement.scrollWidth - window.innerWidth"))
