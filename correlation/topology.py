"""Configuration items and what each stands on: written in topology.yaml, named by patterns, or learned from labels."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice, pairwise
from typing import NamedTuple

from collectors.labels import Labels, one_text
from collectors.remembering import Held
from correlation.naming import Naming
from correlation.rules import ConfigurationItem, ItemPolicy
from correlation.steps import MOST_HOPS, Hop, hops_of, walk

_MOST_ABOVE = 96
_MOST_BELOW = 1000
MOST_LEARNED = 100_000
"""Items that labels taught are kept at most: the longest unused one makes way."""
_TRIED, _MOST_UNDER = 4, 1_000
_LISTED = 256
_MOST_ON = 16
"""What labels say one item stands on at most: a service that runs everywhere stands on nothing in particular."""
_PLACES = frozenset({"rack", "room", "site", "zone"})
_NAMED_BY_ADDRESS = _PLACES | {"host"}
"""Where labels name nothing else, the address is that of the thing itself: a UPS, a switch."""
_CHAIN = ("service", "pod", "database", "host", "switch", "rack", "ups", "room")
"""What stands on what: each on the next of these that its labels name."""


class Standing(NamedTuple):
    """What an item is, and what it stands on. Things that stand alike share one."""

    kind: str = ""
    on: tuple[str, ...] = ()


class Topology:
    """What there is, what it stands on (`above`) and what stands on it (`below`).

    What is written wins; labels add what nobody wrote, as alerts come. Lists are bounded, so that no alert costs more
    the more items there are.
    """

    def __init__(
        self,
        items: Mapping[str, ConfigurationItem],
        policy: ItemPolicy | None = None,
        most_learned: int = MOST_LEARNED,
    ) -> None:
        self.most_learned = most_learned
        policy = policy or ItemPolicy()
        self.written = frozenset(items)
        self.scope_labels = tuple(policy.scope)
        self._naming = Naming(items, policy)
        self._filed: dict[str, Standing] = {}
        """What is written, and the instances that come of it."""
        self._learned: dict[str, Standing] = {}
        """What no file has, the longest unused first."""
        self._unused: dict[str, None] = {}
        """The first of these, as long as they are not used: where a table begins takes long to see once much has left
        its beginning."""
        self._under: dict[str, list[str]] = {}
        self._above: dict[tuple[str, ...], tuple[Hop, ...]] = {}
        """By what items stand on at once, which is all that it takes to know: most share it with many others."""
        self._below: dict[str, list[list[str]]] = {}
        self._peers: dict[str, list[str]] = {}
        self._in_circles: set[str] = set()
        """What is written to stand on itself by way of others."""
        self._hosted: set[str] = set()
        """The services of which it is written on which hosts they run."""
        self._read(items)

    def _read(self, items: Mapping[str, ConfigurationItem]) -> None:
        for name, item in items.items():
            self._filed[name] = Standing(item.kind)
            self._peers.setdefault(item.kind, []).append(name)
        for name, item in items.items():
            for below in item.depends_on:
                if item.kind == "service" and items.get(below, _HOST).kind == "host":
                    instance = f"{name}@{below}"
                    self._filed[instance] = Standing("instance", self._on(instance))
                    self._join(instance, below)
                    self._hosted.add(name)
                    below = instance  # noqa: PLW2901 - a service stands on its instances, these on hosts
                self._join(name, below)
        self._in_circles = {item for item, standing in self._filed.items() if self._leads_to(item, standing.on)}

    def _leads_to(self, item: str, on: Iterable[str]) -> bool:
        return any(name == item for below in on for name, _ in self.above(below))

    def _standing(self, item: str) -> Standing:
        found = self._learned.get(item)
        return found if found is not None else self._filed.get(item, _NOWHERE)

    def _on(self, item: str) -> tuple[str, ...]:
        return self._standing(item).on

    def _knows(self, item: str) -> bool:
        return item in self._learned or item in self._filed

    def _stand(self, item: str, standing: Standing) -> None:
        """An item that is known stands on other things from now on."""
        (self._learned if item in self._learned else self._filed)[item] = standing

    def _join(self, item: str, below: str) -> None:
        kind, on = self._standing(item)
        if below not in on and below != item:
            self._above.pop(on, None)
            made, under = Standing(kind, (*on, below)), self._under.setdefault(below, [])
            # Pods and instances of a host come in turns: one of the last two is of its kind.
            for standing in map(self._standing, under[-2:]):
                if standing == made:
                    made = standing
                    break
            self._stand(item, made)
            under.append(item)

    def kind(self, item: str) -> str:
        """The kind of an item; "" where it has none, or is not known."""
        return self._standing(item).kind

    # what an alert is about

    def scope(self, labels: Labels, origin: str) -> str:
        """What belongs to one place: the first of the scope labels, else who told it."""
        return next((labels[name] for name in self.scope_labels if labels.get(name)), origin)

    def subject(self, labels: Labels, kinds: Sequence[str] = ()) -> str:
        """The item that an alert is about, "" where its labels name none; what they say of others is learned.

        Of several, the one of these `kinds`; else the one that stands on the others.
        """
        return self.subject_and_kind(labels, kinds)[0]

    def subject_and_kind(self, labels: Labels, kinds: Sequence[str] = ()) -> tuple[str, str]:
        """The item that an alert is about, and its kind: as it is known, else as the label has it that names it."""
        found = self._naming.named(labels)
        if not found:
            matched = self._naming.matched(labels)
            return matched, self.kind(matched)
        self._use(found)
        if len(found) > 1:
            self._learn(found, kinds)
        chosen = self._choose(found, kinds)
        subject = one_text(self._nearest(chosen, kinds))
        self._use((subject,))
        return subject, self.kind(subject) or found.get(subject, "")

    def _use(self, names: Iterable[str]) -> None:
        """Items are named: they and, before them, what they stand on are the last to make way."""
        learned, unused = self._learned, self._unused
        named = [name for name in names if name in learned]
        for name in chain(*[learned[name].on for name in named], named):
            standing = learned.pop(name, None)
            if standing is not None:
                learned[name] = standing
                if unused:
                    unused.pop(name, None)

    def _nearest(self, item: str, kinds: Sequence[str]) -> str:
        """The only item of these kinds that stands on this one, or that it stands on: the database of a host."""
        if not kinds or item not in self.written or self.kind(item) in kinds:
            return item
        near = (*self._under.get(item, ()), *self._on(item))
        of_kind = [name for name in near if self.kind(name) in kinds] if len(near) <= _MOST_ABOVE else ()
        return of_kind[0] if len(of_kind) == 1 else item

    def _choose(self, found: Mapping[str, str], kinds: Sequence[str]) -> str:
        known = [n for n in found if n in self.written]
        for kind in kinds:
            for name in (*known, *found):
                if found[name] == kind:
                    return name
        things = [n for n, kind in found.items() if kind not in _PLACES] or list(found)
        if len(things) == 1:
            return things[0]
        things.sort(key=lambda n: n not in self.written)  # an exporter has a service, a pod and a host of its own
        service = next((n for n in things if found[n] == "service"), None)
        host = next((n for n in things if found[n] == "host"), None)
        if service and host and self._knows(f"{service}@{host}"):
            return f"{service}@{host}"
        written = self.written.intersection(things)
        return max(
            written or things, key=lambda n: (sum(1 for o, _ in self.above(n) if o in found), -_rank(found[n]), n)
        )

    # what labels say

    def _learn(self, found: Mapping[str, str], kinds: Sequence[str]) -> None:
        """What stands together in labels stands on one another; what is written is not added to."""
        by_kind: dict[str, str] = {}
        names = sorted(found, key=lambda n: n not in self.written) if self.written else found
        itself = bool(kinds) and "host" not in kinds and _NAMED_BY_ADDRESS.issuperset(found.values())
        for name in names:
            kind = found[name]
            by_kind.setdefault(kinds[0] if itself and kind == "host" else kind, name)
        service, host = by_kind.get("service"), by_kind.get("host")
        if service and host and self._may_run_on(service, host):
            instance = one_text(f"{service}@{host}")
            if not self._knows(instance) and self._remember(instance, "instance"):
                self._relate(instance, host, "instance", "host")
                if service not in self._hosted:
                    self._relate(service, instance, "service", "instance")
        kinds_told = [k for k in _CHAIN[1:] if k in by_kind]
        for kind, kind_below in pairwise(kinds_told):
            item, below = by_kind[kind], by_kind[kind_below]
            if self._may_stand_on(item, below, by_kind):
                self._relate(item, below, kind, kind_below)
        if "rack" in by_kind and "ups" not in by_kind:
            self._stand_on_its_switch(by_kind)

    def _stand_on_its_switch(self, by_kind: Mapping[str, str]) -> None:
        """The hosts of a rack stand on the switches in it, where nobody wrote on which."""
        host, switch = by_kind.get("host"), by_kind.get("switch")
        beside = self._under.get(by_kind["rack"], ())
        if len(beside) > _MOST_ABOVE or (host and switch):
            return
        other = "switch" if host else "host" if switch else ""
        for name in [n for n in beside if self.kind(n) == other]:
            top, below = (host, name) if host else (name, switch)
            if top and below and top not in self.written:
                self._relate(top, below, "host", "switch")

    def _may_run_on(self, service: str, host: str) -> bool:
        """Whether labels may add this: where the hosts of a service are written, another is whoever tells of it."""
        if service in self._hosted:
            return host in self.written
        return not self.written or service in self.written

    def _may_stand_on(self, item: str, below: str, by_kind: Mapping[str, str]) -> bool:
        """Whether labels may add this: of a written item only what it stands on in no way, or the place it is in."""
        if item not in self.written or not self._on(item):
            return True
        place = next((kind for kind in _PLACES if by_kind.get(kind) == below), None)
        return place is not None and all(self.kind(name) != place for name, _ in self.above(item))

    def _remember(self, item: str, kind: str) -> bool:
        if len(self._learned) >= self.most_learned and not self._forget_one():
            return False
        self._learned[item] = Standing(kind)
        return True

    def _forget_one(self) -> bool:
        """Let go of the item that was not used for longest; of a few that much stands on, no one goes."""
        for _ in range(_TRIED):
            if not self._unused:
                self._unused.update(dict.fromkeys(islice(self._learned, _LISTED)))
            item = next(iter(self._unused))
            if len(self._under.get(item, ())) <= _MOST_UNDER:
                self._forget(item)
                return True
            self._use((item,))
        return False

    def _forget(self, item: str) -> None:
        tops, belows = [name for name, _ in self.below(item)], [item, *(name for name, _ in self.above(item))]
        self._unlearn_above(tops)
        for name in belows:
            self._below.pop(name, None)
        for top in self._under.pop(item, ()):
            kind, on = self._standing(top)
            self._stand(top, Standing(kind, tuple(name for name in on if name != item)))
        self._unused.pop(item, None)
        on = self._learned.pop(item).on
        for below in on:
            self._under[below].remove(item)
            if not self._under[below]:
                del self._under[below]
        # As long as another stands alike, what that leads to stays known.
        if on and all(self._on(name) != on for name in self._under.get(on[0], ())[-2:]):
            self._above.pop(on, None)

    def carry_over(self, before: "Topology") -> None:
        """What another register has learned is known here too, where nothing else is written now."""
        for item, standing in before._learned.items():
            if not self._knows(item):
                self._remember(item, standing.kind)
        for item, standing in before._learned.items():
            for below in standing.on if item in self._learned else ():
                if self._knows(below) or below in before._learned:
                    self._relate(item, below, standing.kind, before.kind(below))

    def _relate(self, item: str, below: str, kind: str, kind_below: str) -> None:
        """Labels say that an item of a kind stands on another."""
        on = self._on(item)
        if below in on or len(on) >= _MOST_ON:
            return
        if item in self._under and self._leads_to(item, (below,)):  # where nothing stands on it there is no circle
            return
        if not self._knows(item) and not self._remember(item, kind):
            return
        if not self._knows(below) and not self._remember(below, kind_below):
            return
        if item not in self._under and len(self.above(item)) < _MOST_ABOVE:
            self._put_on(item, below)
        else:
            self._join(item, below)
            self._unlearn_above([item, *(name for name, _ in self.below(item))])
            for other, _ in ((below, 0), *self.above(below)):
                self._below.pop(other, None)

    def _put_on(self, top: str, below: str) -> None:
        """An item that nothing stands on comes to stand on another: bring the lists that are known up to date."""
        nearest = dict(self.above(top))
        self._join(top, below)
        for item, hops in chain(((below, 1),), ((name, hops + 1) for name, hops in self.above(below))):
            before, rings = nearest.get(item, MOST_HOPS + 1), self._below.get(item)
            if rings is None or before <= hops:
                continue
            if before <= MOST_HOPS and len(rings) >= before and top in rings[before - 1]:
                rings[before - 1].remove(top)
            if sum(map(len, rings)) < _MOST_BELOW:
                rings.extend([] for _ in range(hops - len(rings)))
                rings[hops - 1].append(top)

    # what stands on what

    def above(self, item: str) -> Sequence[Hop]:
        """What an item stands on, nearest first, with how many steps away; the item itself not among them."""
        on = self._on(item)
        if not on:
            return ()
        found = self._above.get(on)
        if found is None:
            if len(self._above) >= self.most_learned:
                self._above.clear()
            found = self._above[on] = tuple(hops_of(walk(on, self._on, _MOST_ABOVE)))
        return [hop for hop in found if hop[0] != item] if item in self._in_circles else found

    def steps(self, item: str, other: str) -> int:
        """How many steps below an item another is that it stands on; where it does not, what stands for that."""
        if item == other:
            return 0
        return next((hops for name, hops in self.above(item) if name == other), _ASIDE)

    def _unlearn_above(self, items: Iterable[str]) -> None:
        for item in items:
            self._above.pop(self._on(item), None)

    def rings_below(self, item: str) -> Sequence[Sequence[str]]:
        """What stands on an item: first what is one step away, then what is two, …"""
        under = self._under.get(item)
        if not under:
            return ()
        found = self._below.get(item)
        if found is None:
            if len(self._below) >= self.most_learned:
                self._below.clear()
            found = self._below[item] = walk(under, lambda name: self._under.get(name, ()), _MOST_BELOW, item)
        return found

    def below(self, item: str) -> Iterator[Hop]:
        """What stands on an item, nearest first, with how many steps away."""
        return hops_of(self.rings_below(item))

    def peers(self, item: str) -> Sequence[str]:
        """The written items of the same kind, where they are few: the other ends of a pair."""
        found = self._peers.get(self.kind(item), ())
        return [n for n in found if n != item] if len(found) <= _FEW else ()

    def beside(self, item: str) -> Sequence[str]:
        """What the service of an instance stands on, where that is little: its other instances are among it."""
        if self.kind(item) != "instance":
            return ()
        on = self._on(item.rpartition("@")[0])
        return on if len(on) <= _MOST_ON else ()

    def used_with(self, item: str) -> Sequence[str]:
        """What the services that stand on an item stand on besides, where they are few; an instance is its service."""
        if self.kind(item) == "instance":
            item = item.rpartition("@")[0]
        services = [name for name in next(iter(self.rings_below(item)), ())[:_FEW] if self.kind(name) == "service"]
        found = dict.fromkeys(on for service in services for on in self._on(service))
        return [name for name in found if name != item][:_MOST_ON]

    def kin(self, one: str, other: str) -> bool:
        """Whether two items may share a trouble: what is written does not keep them apart, or they stand on one."""
        if one == other or not (self.is_written(one) and self.is_written(other)):
            return True
        near = {one: 0, **{n: h for n, h in self.above(one) if h <= _NEAR}}
        return any(n in near for n, h in ((other, 0), *self.above(other)) if h <= _NEAR)

    def reach_is_written(self, item: str) -> bool:
        """Whether it is written what stands on an item: of what is written something does."""
        return any(self.is_written(name) for name in self.beneath(item)[:1])

    def beneath(self, item: str) -> Sequence[str]:
        """What stands on an item itself, what is written first."""
        return self._under.get(item, ())

    def is_written(self, item: str) -> bool:
        """Whether it stands in topology.yaml, or runs on a host that does."""
        return item in self.written or (self.kind(item) == "instance" and item.rpartition("@")[2] in self.written)

    def size(self) -> tuple[int, int]:
        """How many items are written, and how many were learned."""
        return len(self.written), len(self._learned)

    def held(self) -> dict[str, Held]:
        """How full its memories are."""
        return {
            **self._naming.held(),
            "items_learned": Held(len(self._learned), self.most_learned),
            "items_above": Held(len(self._above), self.most_learned),
            "items_below": Held(len(self._below), self.most_learned),
        }


_FEW = 8
_NEAR = 3
_ASIDE = 2
_HOST = ConfigurationItem()
_NOWHERE = Standing()


def _rank(kind: str) -> int:
    return _CHAIN.index(kind) if kind in _CHAIN else len(_CHAIN)


def are_twins(one: str, other: str) -> bool:
    """Whether two items are instances of one service on different hosts."""
    service, at, _ = one.rpartition("@")
    return bool(at) and one != other and other.startswith(f"{service}@")
