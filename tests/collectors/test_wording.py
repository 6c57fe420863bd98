"""What an alert says of itself, without what it names."""

import pytest

from collectors.wording import words_of

LABELS = {"alertname": "R-117", "instance": "web-1:9100", "service": "disk", "severity": "critical", "state": "failed"}


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({"summary": "CPU of web-1:9100 at 98.5%"}, "CPU of at %"),
        ({"summary": "web-1 has failed"}, "has failed"),
        ({"summary": "disk answers in 1,200 ms, see https://wiki.example/disk-full"}, "answers in ms, see"),
        ({"summary": " ", "description": "主机 web-1 不可达"}, "主机 不可达"),
        ({"description": "two", "summary": "one"}, "one"),
        ({"summary": "x" * 500}, "x" * 200),
        ({"runbook_url": "https://wiki.example/disk-full"}, ""),
        ({}, ""),
    ],
)
def test_values_of_labels_addresses_and_numbers_are_no_words(annotations: dict[str, str], words: str) -> None:
    assert words_of(annotations, LABELS) == words
