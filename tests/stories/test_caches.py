"""Every memory that makes a decision quick has a bound, and `/metrics` shows how full it is."""

import pytest
from prometheus_client import generate_latest

from agent.caches import caches
from agent.metrics import Metrics
from agent.rehearsal.house import House
from correlation import classify, signals
from knowledge import index
from tests.house import alert, message

_FEW = 16


async def test_no_memory_outgrows_its_bound(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, names in (
        (classify, ("_MOST_NAMES", "_MOST_FOUND")),
        (signals, ("_MOST_FOUND",)),
        (index, ("_MOST_FOUND",)),
    ):
        for name in names:
            monkeypatch.setattr(module, name, _FEW)
    house.desk.rules.register.most_learned = _FEW
    fullest: dict[str, int] = {}
    for number in range(3 * _FEW):
        labels = {
            "alertname": f"Odd{number:x}",
            "instance": f"h{number}:9100",
            "service": f"s{number}",
            "pod": f"p{number}",
        }
        await house.receive(message(alert(labels)))
        for name, cache in caches(house.desk).items():
            assert cache.entries <= cache.most, name
            fullest[name] = max(fullest.get(name, 0), cache.entries)
    for name in ("classes", "class_rules", "items_learned", "items_above", "predicate_values"):
        assert 0 < fullest[name] <= _FEW, name


async def test_each_memory_is_seen_from_outside(house: House) -> None:
    await house.receive(message(alert({"alertname": "Odd", "instance": "h1:9100"})))
    metrics = Metrics()
    metrics.look_at(house.desk, house.now)
    said = generate_latest(metrics.registry).decode()
    for name, cache in caches(house.desk).items():
        assert f'tocsin_cache_entries{{cache="{name}"}} {float(cache.entries)}' in said
        assert f'tocsin_cache_limit{{cache="{name}"}}' in said
