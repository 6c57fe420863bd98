"""A UPS for snmpd's `pass_persist`: answers for the UPS-MIB out of a JSON file, read anew at each question.

Run by snmpd, not by pytest: `python3 ups_mib.py FILE`. The file maps object identifiers to `[type, value]`.
"""

import json
import sys
from pathlib import Path

Objects = dict[tuple[int, ...], tuple[str, str, str]]


def objects(file: Path) -> Objects:
    """Every object of the file, by its numbers: its name, type and value as snmpd wants them."""
    held = json.loads(file.read_text())
    return {numbers(name): (name, kind, str(value)) for name, (kind, value) in held.items()}


def numbers(name: str) -> tuple[int, ...]:
    return tuple(int(part) for part in name.strip(".").split("."))


def answer(question: str, name: str, held: Objects) -> str:
    """The three lines that answer `get` or `getnext`, or NONE."""
    asked = numbers(name)
    if question == "getnext":
        asked = min((key for key in held if key > asked), default=())
    return "\n".join(held[asked]) if asked in held else "NONE"


def main() -> None:
    lines = iter(sys.stdin.readline, "")
    for line in lines:
        question = line.strip()
        if question == "PING":
            said = "PONG"
        elif question in ("get", "getnext"):
            said = answer(question, next(lines).strip(), objects(Path(sys.argv[1])))
        else:
            said = "NONE"
        sys.stdout.write(said + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
