"""Files become a library; what is wrong in a file is told with its line, and the rest goes on."""

import pytest

from knowledge.library import Library, lay_over
from knowledge.markdown import BadKnownError, parse, split_front_matter
from knowledge.written import BadEntry, entry_of
from tests.knowledge.shelf import entry, read

GOOD = """---
id: disk
title: Disk full
match: {alertname: DiskFull}
---

## Symptoms
writes fail

## Workaround
1. look:

```
## Solution
df -h
```

### a smaller heading

## 应急措施
查看
"""


def test_a_file_is_read_section_by_section() -> None:
    disk = read(GOOD, "knowledge/disk.md")
    assert disk.symptoms == "writes fail"
    assert disk.workaround_zh == "查看"
    assert disk.source == "knowledge/disk.md"


def test_what_looks_like_a_heading_in_a_code_block_is_code() -> None:
    disk = read(GOOD)
    assert disk.solution == ""
    assert "## Solution\ndf -h" in disk.workaround
    assert disk.workaround.endswith("### a smaller heading")


@pytest.mark.parametrize("fence", ["~~~~", "````", "   ```"])
def test_a_code_block_ends_only_with_its_own_fence(fence: str) -> None:
    inner = "```sh" if fence.strip() != "```" else "~~~"
    text = f"---\nid: a\ntitle: A\n---\n## Workaround\n{fence}\n{inner}\n## Safety\n{fence}\n## Solution\nbuy\n"
    assert read(text).solution == "buy"
    assert read(text).safety_note == ""


@pytest.mark.parametrize(
    ("text", "yaml", "body", "line"),
    [
        pytest.param("---\nid: a\n---\n## X\n", "id: a", "## X", 4, id="plain"),
        pytest.param("\ufeff---\r\nid: a\r\n---\r\n## X\r\n", "id: a", "## X", 4, id="a BOM and CRLF"),
        pytest.param("---\n---\n", "", "", 3, id="empty"),
        pytest.param("## X\n---\n", "", "## X\n---", 1, id="none"),
        pytest.param("---\nid: a\n", "", "---\nid: a", 1, id="never closed"),
        pytest.param("", "", "", 1, id="nothing"),
    ],
)
def test_the_front_matter_is_split_off(text: str, yaml: str, body: str, line: int) -> None:
    assert split_front_matter(text) == (yaml, body, line)


HEAD = "---\nid: a\ntitle: A\n---\n"


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        pytest.param(HEAD + "## Symptoms\nx\n", 5, "no workaround", id="no workaround"),
        pytest.param(HEAD + "## Workaround\n\n", 5, "no workaround", id="an empty workaround"),
        pytest.param(HEAD + "\n## Workarounds\nx\n", 6, "did you mean `## Workaround`", id="a misspelt section"),
        pytest.param(HEAD + "## Workaround\nx\n## Poem\n", 7, "unknown section `## Poem`", id="an unknown section"),
        pytest.param(HEAD + "## Workaround\nx\n## workaround\ny\n", 7, "a second time", id="a section twice"),
        pytest.param(HEAD + "Try this\n## Workaround\nx\n", 5, "in no section", id="text above all sections"),
        pytest.param("## Workaround\nx\n", 1, "no front matter", id="no front matter"),
        pytest.param("---\ntitle: A\n---\n## Workaround\nx\n", 2, "'id' is missing", id="no id"),
        pytest.param("---\nid: a b\ntitle: A\n---\n## Workaround\nx\n", 2, "id: ", id="an id with a space"),
        pytest.param(
            "---\nid: a\ntitle: A\nmach: {}\n---\n## Workaround\nx\n", 2, "did you mean 'match'", id="a misspelt key"
        ),
        pytest.param("---\nid: a\ntitle: A\nworkaround: x\n---\n", 2, "unknown key 'workaround'", id="a text"),
        pytest.param(
            "---\nid: a\ntitle: A\nmatch: {alertname_re: '(?!x)'}\n---\n## Workaround\nx\n", 2, "RE2", id="a bad regex"
        ),
        pytest.param("---\nid: a\ntitle: A\nstatus: old\n---\n## Workaround\nx\n", 2, "status: ", id="a bad status"),
        pytest.param("---\nid: a\ntitle: A\nreview_at: soon\n---\n## Workaround\nx\n", 2, "review_at: ", id="no date"),
    ],
)
def test_a_fault_is_told_with_its_line(text: str, line: int, says: str) -> None:
    front, body, starts = split_front_matter(text)
    import yaml

    with pytest.raises(BadKnownError) as told:
        parse("k/a.md", body, yaml.safe_load(front) or {}, starts, lambda _: 2)
    found = [f for f in (told.value, *told.value.also) if says in f.message]
    assert [(f.path, f.line) for f in found] == [("k/a.md", line)]
    assert str(found[0]).startswith(f"k/a.md:{line}: ")


@pytest.mark.parametrize(
    ("match", "path"),
    [
        pytest.param({"alertname_re": "("}, ("match",), id="one mapping"),
        pytest.param(["alertname=A", "site=~("], ("match",), id="one list of matchers"),
        pytest.param([{"alertname": "A"}, {"alertname_re": "("}], ("match", 1), id="the second group"),
        pytest.param([["alertname=A"], {}], ("match", 1), id="an empty group"),
        pytest.param(7, ("match",), id="no groups at all"),
    ],
)
def test_the_line_of_a_group_is_asked_of_the_reader_of_the_yaml(match: object, path: tuple[str | int, ...]) -> None:
    asked = []

    def line_of(where: tuple[str | int, ...]) -> int:
        asked.append(where)
        return 7

    with pytest.raises(BadKnownError) as told:
        parse("a.md", "## Workaround\nx", {"id": "a", "title": "A", "match": match}, 9, line_of)
    assert (told.value.line, asked) == (7, [path])


def test_all_faults_of_a_file_are_told_at_once_in_the_order_of_lines() -> None:
    with pytest.raises(BadKnownError) as told:
        parse("a.md", "## Poem\nx\n## Safty\ny\n", {"title": "A", "colour": "red"}, 10, lambda _: 3)
    lines = [fault.line for fault in (told.value, *told.value.also)]
    assert lines == [2, 3, 10, 10, 12]


def test_every_group_that_cannot_stand_is_told_at_its_own_line_and_over_the_api_at_its_own_place() -> None:
    match = [{"alertname_re": "("}, {"alertname": "A"}, {}]
    with pytest.raises(BadKnownError) as told:
        parse("a.md", "## Workaround\nx", {"id": "a", "title": "A", "match": match}, 9, lambda where: 4 + int(where[1]))
    found = [(fault.line, fault.message.partition(":")[0]) for fault in (told.value, *told.value.also)]
    assert found == [(4, "match.0"), (6, "match.2")]
    with pytest.raises(BadEntry) as refused:
        entry_of({"id": "a", "title": "A", "match": match, "workaround": "x"})
    assert [field for field, _ in refused.value.faults] == ["match.0", "match.2"]


def test_a_sites_entry_replaces_the_packs_as_a_whole() -> None:
    pack = [entry("disk", solution="buy", match={"alertname": "A"}), entry("net")]
    library, faults = lay_over(pack, [entry("disk", title="Ours"), entry("ours")])
    disk = library.get("disk")
    assert disk is not None
    assert (disk.title, disk.solution, disk.match) == ("Ours", "", ())
    assert ([one.id for one in library], faults) == (["disk", "net", "ours"], [])


def test_a_site_can_retire_an_entry_of_the_pack() -> None:
    library, _ = lay_over([entry("disk", match={"alertname": "A"})], [entry("disk", status="retired")])
    assert list(library.predicates.holding({"alertname": "A"})) == []
    assert len(library) == 1


@pytest.mark.parametrize("layer", ["pack", "site"])
def test_two_of_one_id_in_one_folder_are_a_fault_and_the_first_stands(layer: str) -> None:
    twice = [entry("disk", title="one", source="a.md", line=2), entry("disk", title="two", source="b.md", line=3)]
    library, faults = lay_over(twice, []) if layer == "pack" else lay_over([], twice)
    assert [str(fault) for fault in faults] == ["b.md:3: the id 'disk' is taken by a.md:2: give this one another"]
    assert [one.title for one in library] == ["one"]


def test_an_empty_library_knows_nothing() -> None:
    assert (len(Library()), Library().get("x"), list(Library())) == (0, None, [])


def test_what_differs_is_counted_upon_the_words_of_the_library_it_was_made_of_also_where_those_came_later() -> None:
    base = Library(entry(f"e{n}", title=f"trouble {n} of pumps") for n in range(9))
    made = base.with_entries([entry("new", title="valves leak")]).with_aliases({"e3": ("the cellar is wet",)})
    whole = Library([*base, entry("new", title="valves leak")], {"e3": ("the cellar is wet",)})
    for text in ("valves leak", "wet cellar", "trouble of pumps"):
        assert [one.entry.id for one in made.words.find(text).shared] == [
            one.entry.id for one in whole.words.find(text).shared
        ]
    assert made.words.with_entries((), made.aliases).find("pumps").asked == made.words.find("pumps").asked
