"""A file that cannot be read is told with its line and what to do, and nobody waits for a pipe."""

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from agent.configuration.known_errors import entry_in, read_library
from agent.configuration.layers import read_folder
from agent.configuration.reading import MIB, BadText, text_of

GOOD = b"---\nid: a\ntitle: A\n---\n## Workaround\nrestart it\n"


def _bad(path: Path, at_most: int = MIB) -> tuple[int, str]:
    with pytest.raises(BadText) as raised:
        text_of(path, at_most)
    return raised.value.line, raised.value.said


@pytest.mark.parametrize(
    ("make", "line", "says"),
    [
        pytest.param(lambda p: p.write_bytes(GOOD + b"caf\xe9"), 7, "no UTF-8 text: save it as", id="latin"),
        pytest.param(lambda p: p.write_bytes(GOOD + b"x" * MIB), 1, "1.0 MiB of at most 1: leave out", id="large"),
        pytest.param(lambda p: p.mkdir(), 1, "no file: move it away", id="a folder"),
        pytest.param(os.mkfifo, 1, "no file: move it away", id="a pipe"),
        pytest.param(lambda p: p.symlink_to(p), 1, "where it leads if it is a link", id="a loop"),
        pytest.param(lambda p: p.symlink_to("gone"), 1, "where it leads if it is a link", id="a link to nothing"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_line_and_keeps_no_other_file_from_being_read(
    tmp_path: Path, make: Callable[[Path], object], line: int, says: str
) -> None:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    (folder / "a.md").write_bytes(GOOD)
    make(folder / "bad.md")
    told, said = _bad(folder / "bad.md")
    assert (told, says in said) == (line, True)
    library, (fault,) = read_library(tmp_path / "none", tmp_path, "none")
    assert [entry.id for entry in library] == ["a"]
    assert (fault.file, fault.line, fault.message) == ("knowledge/bad.md", line, said)


def test_a_pipe_that_a_person_named_is_read(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=(b"\xef\xbb\xbf" + GOOD,))
    writer.start()
    entry, faults = entry_in(pipe, "pipe", named=True)
    writer.join()
    assert (entry is not None and entry.id, faults) == ("a", [])


def test_a_link_of_the_configuration_that_leads_nowhere_is_no_file_that_is_absent(tmp_path: Path) -> None:
    (tmp_path / "people.yaml").symlink_to("gone.yaml")
    faults: list[object] = []
    read_folder(tmp_path, ["people.yaml", "oncall.yaml"], "", faults)  # type: ignore[arg-type]
    assert [str(fault)[:16] for fault in faults] == ["people.yaml:1:1:"]
