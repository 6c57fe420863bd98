"""The words of English, Chinese and mixed text."""

import pytest

from knowledge.words import as_written, shared_apart, words


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


@pytest.mark.parametrize(
    ("text", "shared", "apart"),
    [
        pytest.param("网站首页 502", {"网站"}, 1.0, id="one pair"),
        pytest.param("VPN 连不上", {"连不", "不上"}, 1.5, id="pairs that overlap"),
        pytest.param("数据库主从延迟", {"数据", "据库", "延迟"}, 2.5, id="two stretches"),
        pytest.param("电池,电池!", {"电池"}, 1.0, id="the same again"),
        pytest.param("漏 水", {"水"}, 1.0, id="a single character"),
        pytest.param("almost full, almost", {"almost", "full", "almostfull"}, 2.0, id="two words also given as one"),
        pytest.param("API server down", {"apiserver"}, 1.0, id="only as one"),
        pytest.param("nothing of it", set(), 0.0, id="none"),
    ],
)
def test_what_overlaps_is_told_once(text: str, shared: set[str], apart: float) -> None:
    assert shared_apart(text, shared) == apart


@pytest.mark.parametrize(
    ("text", "shared", "told"),
    [
        pytest.param(
            "Cashiers cannot print at the kiosk, Kiosk 4",
            ["kiosk", "cannotprint", "cashi"],
            ["kiosk", "cannot", "print", "Cashiers"],
            id="no stems, no pairs, each once",
        ),
        pytest.param("打印队列目录已满", ["队列", "打印", "印队"], ["打印队列"], id="neighbouring pairs are one piece"),
        pytest.param("KubeAPIServerDown", ["apiserv", "apiserver"], ["API", "Server"], id="parts of a name"),
        pytest.param("nothing of it", ["disk"], [], id="nothing"),
    ],
)
def test_shared_words_are_told_as_they_stand_in_the_text(text: str, shared: list[str], told: list[str]) -> None:
    assert as_written(text, shared) == told
