"""Every pack starts with the example site as `make run PACK=…` starts it, and pages."""

from pathlib import Path
from typing import Any

import pytest

from agent.configuration.layers import packs
from tests.conftest import REPOSITORY
from tests.real.daemon import Tocsin
from tests.real.sinks import WebhookSink

ALERT = {"status": "firing", "startsAt": "2026-01-01T00:00:00Z", "labels": {"alertname": "DiskFull"}}


@pytest.mark.parametrize("pack", packs())
async def test_a_pack_starts_with_the_example_site_and_pages(
    pack: str, open_dir: Path, webhook_sink: WebhookSink
) -> None:
    example: dict[str, Any] = {p.stem: p.read_text("utf-8") for p in (REPOSITORY / "configs" / "site").glob("*.yaml")}
    example["tocsin"] = example["tocsin"].replace("http://127.0.0.1:8099/", webhook_sink.url)
    example["people"] = example["people"].replace("{notifier: log", "{notifier: hook")
    async with Tocsin(open_dir, example, flags=("--pack", pack, "--welcome")) as tocsin:
        status, _ = await tocsin.ask(
            "POST", "/webhooks/alertmanager/try", {"version": "4", "status": "firing", "alerts": [ALERT]}
        )
        assert status == 200
        (page, *_) = await webhook_sink.wait_for(1)
        assert page.headers["X-Tocsin-Step"].endswith("/c0")
