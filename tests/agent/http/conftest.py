"""The application that these tests call."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest_asyncio

from tests.agent.http.serving import Served, served


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running
