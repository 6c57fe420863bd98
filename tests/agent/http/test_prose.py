"""Text of known errors on a page."""

import pytest

from agent.http.prose import prose


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        pytest.param(
            "1. look at\n   the log\n2. restart", "1. look at the log\n2. restart", id="a broken line of a list"
        ),
        pytest.param("never cut\nthe power.\n\nAsk.", "never cut the power.\n\nAsk.", id="a paragraph"),
        pytest.param("1. 先看日志，\n   再重启", "1. 先看日志，再重启", id="Chinese needs no space"),
        pytest.param("1. one\n   - two\n   - three", "1. one\n   - two\n   - three", id="a list in a list"),
        pytest.param("run `a <b>` now", "run <code>a &lt;b&gt;</code> now", id="code, escaped"),
        pytest.param("a `b\nc` d", "a <code>b c</code> d", id="code over two lines"),
        pytest.param("```\na\n b\n```", "```\na\n b\n```", id="what is fenced stays"),
        pytest.param("<script>", "&lt;script&gt;", id="no HTML"),
    ],
)
def test_lines_broken_for_an_editor_are_joined_and_code_is_set_as_code(text: str, shown: str) -> None:
    assert prose(text) == shown
