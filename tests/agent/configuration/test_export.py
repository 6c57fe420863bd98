"""`tocsin config export`: what holds as YAML, with where it comes from, and what people laid over it."""

from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path

import pytest_asyncio
import yaml
from click.testing import CliRunner

from agent.__main__ import main
from agent.configuration.export import exported, rows_exported
from agent.configuration.load import load
from agent.configuration.show import effective
from tests.agent.http.serving import SITE, Served, served


@pytest_asyncio.fixture
async def api(tmp_path: Path) -> AsyncIterator[Served]:
    async with served(tmp_path) as running:
        yield running


def site(folder: Path) -> Path:
    for name, text in SITE.items():
        (folder / name).write_text(text)
    return folder


def test_each_file_is_exported_as_it_holds_with_its_origins(tmp_path: Path) -> None:
    config = load(site(tmp_path))
    text = exported(config)
    found = {}
    for part in text.split("# ---- ")[1:]:
        name, _, body = part.partition("\n")
        found[name] = yaml.safe_load(body)
    assert found.keys() == effective(config).keys()
    assert found["people.yaml"]["people"]["wei"]["name"] == "伟"
    assert '      name: "Ana"  # people.yaml:3' in text or '    name: "Ana"  # people.yaml:3' in text
    assert "  # default" in text
    assert "am-secret-token" not in text


async def test_what_people_laid_over_the_files_is_written_too(api: Served) -> None:
    edit = {"criticality": "critical", "reason": "it holds the tills"}
    assert (await api.call("PATCH", "/api/v1/configuration-items/db-1", edit, as_="pat")).status == 200
    stands_in = {"schedule": "sys-l1", "person": "luis", "replaces": "ana", "reason": "a holiday"}
    assert (await api.post("/api/v1/oncall/overrides", stands_in)).status == 201
    text = await _rows(api.storage, api.clock.now())
    assert 'db-1: {"criticality":"critical"}' in text
    assert "it holds the tills" in text
    assert '"person": "luis"' in text


async def _rows(storage: str, now: datetime) -> str:
    import asyncio

    return await asyncio.to_thread(rows_exported, storage, now)


def test_the_command_prints_it_and_a_fault_ends_with_three(tmp_path: Path) -> None:
    words = ["config", "export", "--config.dir", str(site(tmp_path)), "--storage.url", f"sqlite:///{tmp_path}/none.db"]
    done = CliRunner().invoke(main, words)
    assert (done.exit_code, "# ---- people.yaml" in done.output) == (0, True)
    (tmp_path / "people.yaml").write_text("people: 5")
    assert CliRunner().invoke(main, words).exit_code == 3
