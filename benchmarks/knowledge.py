"""How well known errors are found by words, how sure that is, and how long it takes.

python benchmarks/knowledge.py --kb kb.jsonl --queries FILE [--scorer FILE] [--encoder] [--entries N]

The entries become a library, each query is matched by its text, and what the scorer prints is printed whole, its line
of JSON last. With `--entries` only the time is told, of a library of so many made of these.
"""

import argparse
import json
import random
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

if __name__ == "__main__":  # run as a file: our packages stand beside this folder, and two have the names of its files
    sys.path[0] = str(Path(__file__).resolve().parent.parent)

from agent.configuration.known_errors import read_library
from agent.configuration.layers import pack_folder
from agent.configuration.load import DEFAULT_PACK
from agent.loops import encoder
from benchmarks.correlation import find_scorer, score
from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.match import Match, rank

_GIVEN = 5
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Match, time, score, print; returns the exit code of the scorer."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kb", type=Path, required=True, help="known errors, one a line of JSON")
    parser.add_argument("--queries", type=Path, required=True, help="queries, one a line of JSON")
    parser.add_argument("--scorer", type=Path, help="score.py of the queries' folder, or of its parent")
    parser.add_argument("--encoder", action="store_true", help="by meaning too (the extra `encoder`), and only so")
    parser.add_argument("--without-aliases", action="store_true", help="without the alert texts that the pack ships")
    parser.add_argument("--entries", type=int, default=0, help="time a library of so many entries, by words")
    told = parser.parse_args(arguments)
    if told.entries:
        library, _ = library_of(_grown(list(_rows(told.kb)), told.entries), shipped_aliases())
        began = time.thread_time()
        _ = library.words
        print(f"{len(library)} known errors, their index made in {time.thread_time() - began:.1f} s of the processor")
        print(_times([_seconds(library, query["text"]) for query in _rows(told.queries)]), "of the processor")
        return 0
    scorer = told.scorer or find_scorer(told.queries.parent)
    if scorer is None:
        print(f"there is no score.py beside {told.queries}: name one with --scorer", file=sys.stderr)
        return 2
    if told.encoder and not encoder.installed():
        print("the encoder is not installed: pip install 'tocsin[encoder]'", file=sys.stderr)
        return 2
    began = time.perf_counter()
    library, ids = library_of(_rows(told.kb), {} if told.without_aliases else shipped_aliases())
    _ = library.words  # the index, which the first question would make
    print(f"{len(library)} known errors, library made in {(time.perf_counter() - began) * 1000:.0f} ms")
    queries, code = list(_rows(told.queries)), 0
    if not told.encoder:
        print("by words:")
        code = _scored(library, ids, queries, told.queries, scorer, None)
    if encoder.installed():
        print("by words and meaning (--encoder):")
        code = _scored(library, ids, queries, told.queries, scorer, encoder.Encoder(library)) or code
    return code


def _grown(rows: Sequence[Mapping[str, Any]], total: int) -> Iterator[dict[str, Any]]:
    """So many entries, each one of these with three words in ten exchanged for others of the library."""
    draw, texts = random.Random(1), ("title", "meaning", "impact", "diagnosis", "mitigation")
    words = sorted({word for row in rows for name in texts for word in str(row.get(name) or "").split()})
    for number in range(total):
        row = dict(draw.choice(rows))
        said = {name: str(row[name]).split() for name in texts if row.get(name)}
        row |= {n: " ".join(draw.choice(words) if draw.random() < 0.3 else w for w in s) for n, s in said.items()}
        yield {**row, "id": f"entry-{number}", "alertname": f"{row.get('alertname') or 'Entry'}{number}"}


def _seconds(library: Library, text: str) -> float:
    """Of the processor: what else the machine does counts for nothing."""
    began = time.thread_time()
    rank(text, library, _GIVEN)
    return time.thread_time() - began


def _scored(
    library: Library,
    ids: Mapping[str, str],
    queries: Sequence[Mapping[str, Any]],
    path: Path,
    scorer: Path,
    model: encoder.Encoder | None,
) -> int:
    with tempfile.TemporaryDirectory(prefix="tocsin-bench-") as place:
        answers = Path(place) / "answers.jsonl"
        print(_times(_answer(library, ids, queries, answers, model)))
        print(_left_out(library, ids, queries, model), flush=True)
        return score(scorer, str(path), str(answers))


def shipped_aliases() -> Mapping[str, Sequence[str]]:
    """What the default pack says that alerts mean."""
    library, _ = read_library(pack_folder(DEFAULT_PACK), Path("no-site"), DEFAULT_PACK)
    return library.aliases


def _left_out(
    library: Library, ids: Mapping[str, str], queries: Sequence[Mapping[str, Any]], model: encoder.Encoder | None
) -> str:
    """The AUC where the same question is asked again of a library without its answers: the hardest nothing-fits."""
    asked = [query for query in queries if query["relevant"] and query.get("kind") != "rule"]
    there, gone = [], []
    for query in asked:
        likeness = model.likeness(query["text"]) if model else None
        there.append(_first(rank(query["text"], library, 1, likeness)))
        rest = [entry for entry in library if ids[entry.id] not in query["relevant"]]
        kept = {e.id: likeness[e.id] for e in rest if e.id in likeness} if likeness else None
        gone.append(_first(rank(query["text"], Library(rest, library.aliases), 1, kept)))
    wins = sum((p > n) + 0.5 * (p == n) for p in there for n in gone)
    return f"leave-one-out AUC without rule: {wins / (len(there) * len(gone)):.3f}" if asked else "nothing to leave out"


def _first(found: Sequence[Match]) -> float:
    return found[0].confidence if found else 0.0


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from (json.loads(line) for line in file if line.strip())


def library_of(
    rows: Iterator[dict[str, Any]], aliases: Mapping[str, Sequence[str]] | None = None
) -> tuple[Library, dict[str, str]]:
    """The library of these entries, and the entry's own id by the one that it has in the library."""
    entries, ids = [], {}
    for number, row in enumerate(rows):
        own = str(row["id"])
        name = own if _ID.fullmatch(own) else f"entry-{number}"
        ids[name] = own
        entries.append(KnownError.model_validate(_fields(name, row)))
    return Library(entries, aliases), ids


def _fields(name: str, row: Mapping[str, Any]) -> dict[str, Any]:
    """The sections of a runbook as those of a known error, in the language that it is written in."""
    title, meaning, mitigation = (str(row.get(key) or "").strip() for key in ("title", "meaning", "mitigation"))
    sections = {
        "symptoms": "\n".join(filter(None, (meaning, row.get("impact")))),
        "root_cause": row.get("diagnosis") or "",
        "workaround": mitigation or meaning or title or name,
    }
    zh = "_zh" if str(row.get("lang", "")).startswith("zh") else ""
    return {
        "id": name,
        "title": (title or name)[:200],
        "title_zh": title[:200] if zh else "",
        "match": {"alertname": row["alertname"]} if row.get("alertname") else (),
        **{f"{section}{zh}": text for section, text in sections.items()},
    }


def _answer(
    library: Library,
    ids: Mapping[str, str],
    queries: Sequence[Mapping[str, Any]],
    answers: Path,
    model: encoder.Encoder | None,
) -> list[float]:
    """Write the answers; return the seconds of each query."""
    spent = []
    with answers.open("w", encoding="utf-8") as out:
        for query in queries:
            began = time.perf_counter()
            found = rank(query["text"], library, _GIVEN, model.likeness(query["text"]) if model else None)
            spent.append(time.perf_counter() - began)
            matches = [[ids[match.id], match.confidence] for match in found]
            out.write(json.dumps({"id": query["id"], "matches": matches}, ensure_ascii=False) + "\n")
    return spent


def _times(spent: Sequence[float]) -> str:
    if not spent:
        return "no queries"
    in_order = sorted(spent)
    middle, slow = statistics.median(in_order), in_order[len(in_order) * 99 // 100]
    told = (("in the middle", middle), ("in the mean", statistics.mean(in_order)), ("p99", slow))
    return f"{len(spent)} queries: " + ", ".join(f"{name} {seconds * 1000:.2f} ms" for name, seconds in told)


if __name__ == "__main__":
    sys.exit(main())
