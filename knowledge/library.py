"""The library of known errors, with what finds them; a site's entries are laid over the pack's by id."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType

from knowledge.index import PredicateIndex
from knowledge.known_error import KnownError
from knowledge.markdown import BadKnownError
from knowledge.ranking import Aliases, WordIndex, alert_names


class Library:
    """Known errors by id, with their indexes; read, never changed."""

    __slots__ = ("_alerts", "_by_id", "_in_force", "_like", "_predicates", "_to_review", "_words", "aliases")

    def __init__(self, entries: Iterable[KnownError] = (), aliases: Aliases | None = None) -> None:
        """Of two entries with one id the later one stands: hand in the pack's before the site's.

        `aliases` are further texts by the name of an alert or by the id of an entry.
        """
        self._by_id = MappingProxyType({entry.id: entry for entry in entries})
        self.aliases: Aliases = MappingProxyType(dict(aliases or {}))
        self._in_force: tuple[KnownError, ...] | None = None
        self._predicates: PredicateIndex | None = None
        self._to_review: tuple[KnownError, ...] | None = None
        self._words: WordIndex | None = None
        self._alerts: WordIndex | None = None
        self._like: tuple[WordIndex | Library, Mapping[str, KnownError]] | None = None

    @property
    def in_force(self) -> tuple[KnownError, ...]:
        """The entries that may be shown for an incident, by id."""
        if self._in_force is None:
            self._in_force = tuple(entry for entry in self if entry.in_force)
        return self._in_force

    @property
    def to_review(self) -> tuple[KnownError, ...]:
        """The entries in force that are to be read again on some day."""
        if self._to_review is None:
            self._to_review = tuple(entry for entry in self.in_force if entry.review_at)
        return self._to_review

    @property
    def predicates(self) -> PredicateIndex:
        """The index of its predicates."""
        if self._predicates is None:
            self._predicates = PredicateIndex(self.in_force)
        return self._predicates

    @property
    def words(self) -> WordIndex:
        """The index of its words, made by whoever asks first: it costs more than all the rest.

        Of a library that was made of another one only what differs is counted, once that one's words are.
        """
        if self._words is None:
            if self._like is not None:
                like, changed = self._like
                counted = like.words if isinstance(like, Library) else like
                self._words, self._like = counted.with_entries(changed.values(), self.aliases), None
            else:
                self._words = WordIndex(self.in_force, self.aliases)
        return self._words

    @property
    def alerts(self) -> WordIndex:
        """The index of what the aliases say, by the name of the alert that they are of."""
        if self._alerts is None:
            self._alerts = WordIndex(map(_alert, self.aliases), self.aliases)
        return self._alerts

    def is_about_another_alert(self, rarity: Mapping[str, float], score: float) -> bool:
        """Whether a text shares more than `score` with what is said of an alert that no entry here is written for.

        `rarity` is how much each word of the text tells.
        """
        there = self.alerts.beyond(score, rarity)
        return any(one.id not in self._by_id and not any(self.predicates.naming(one.id)) for one in there)

    def __len__(self) -> int:
        return len(self._by_id)

    def __iter__(self) -> Iterator[KnownError]:
        """All entries by id, drafts and retired ones too."""
        return (self._by_id[name] for name in sorted(self._by_id))

    def get(self, name: str) -> KnownError | None:
        """Return the entry of an id, or None."""
        return self._by_id.get(name)

    def with_entries(self, more: Iterable[KnownError]) -> "Library":
        """Return the same library with these entries, each in place of the one of its id, for their work alone."""
        changed = {entry.id: entry for entry in more}
        made = Library((), self.aliases)
        made._by_id = MappingProxyType(self._by_id | changed)
        made._predicates = self.predicates.with_entries(changed.values())
        others = (entry for entry in self.to_review if entry.id not in changed)
        made._to_review = (*others, *(entry for entry in changed.values() if entry.in_force and entry.review_at))
        made._like, made._alerts = self._differing_in(changed), self._alerts
        return made

    def with_aliases(self, more: Aliases) -> "Library":
        """Return the same library with these further texts of entries, whose words are counted again."""
        names = [*self.aliases, *(name for name in more if name not in self.aliases)]
        made = Library((), {name: (*self.aliases.get(name, ()), *more.get(name, ())) for name in names})
        made._by_id, made._in_force, made._to_review = self._by_id, self._in_force, self.to_review
        made._predicates = self.predicates
        named = (one for one in self.in_force if one.id in more or any(name in more for name in alert_names(one)))
        made._like, made._alerts = self._differing_in({one.id: one for one in named}), self.alerts
        return made

    def _differing_in(
        self, changed: Mapping[str, KnownError]
    ) -> "tuple[WordIndex | Library, Mapping[str, KnownError]]":
        if self._words is not None:
            return self._words, changed
        return (self._like[0], {**self._like[1], **changed}) if self._like is not None else (self, changed)


def _alert(name: str) -> KnownError:
    """What stands for an alert in an index of what is said of alerts."""
    return KnownError.model_construct(id=name, title=name)


def lay_over(
    pack: Sequence[KnownError], site: Sequence[KnownError], aliases: Aliases | None = None
) -> tuple[Library, list[BadKnownError]]:
    """Return the library of both folders, its words not yet counted, and its faults.

    A site's entry replaces the pack's of the same id as a whole. Two of one id within one folder are a fault that
    names both; the first one, in the order handed in, stands.
    """
    faults: list[BadKnownError] = []
    entries = [entry for layer in (pack, site) for entry in _once_each(layer, faults)]
    library = Library(entries, aliases)
    _ = library.predicates, library.to_review  # made here, where a whole configuration is read: decisions ask for them
    return library, faults


def _once_each(layer: Sequence[KnownError], faults: list[BadKnownError]) -> Iterator[KnownError]:
    first: dict[str, KnownError] = {}
    for entry in layer:
        there = first.setdefault(entry.id, entry)
        if there is entry:
            yield entry
        else:
            message = f"the id {entry.id!r} is taken by {there.source}:{there.line}: give this one another"
            faults.append(BadKnownError(entry.source, entry.line, message))
