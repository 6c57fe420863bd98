"""The words of English, Chinese and mixed text."""

import pytest

from knowledge.words import words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param(
            "NodeFilesystemFull", ["nod", "filesystem", "nodefilesystem", "full", "filesystemfull"], id="camel"
        ),
        pytest.param("disks failing", ["disk", "fail", "disksfailing"], id="endings"),
        pytest.param("磁盘空间", ["磁盘", "盘空", "空间"], id="Chinese pairs"),
        pytest.param("UPS 转电池", ["ups", "转电", "电池"], id="both"),
        pytest.param("db-01:9100 磁盘 97%", ["db", "磁盘"], id="numbers say nothing"),
        pytest.param("ＤＩＳＫ", ["disk"], id="full width"),
        pytest.param("what is it", ["what"], id="the commonest words say nothing"),
        pytest.param("🙂 \x00 \ud800", [], id="no words at all"),
    ],
)
def test_words_are_what_tells_troubles_apart(text: str, found: list[str]) -> None:
    assert words(text) == found


def test_what_is_written_apart_and_as_one_meets() -> None:
    assert "apiserver" in words("the API server")
    assert set(words("kubelets restarting")) & set(words("kubelet restarts"))


def test_only_the_beginning_of_an_endless_text_is_read() -> None:
    assert "batteri" not in words("ups " * 10_000 + "battery")
    assert "battery" not in words("ups " * 10_000 + "battery")
