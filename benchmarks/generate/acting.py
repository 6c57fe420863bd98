"""A script at a moment: each of its steps presses on its things as hard as it has risen by then."""

from collections.abc import Callable, Mapping

from benchmarks.generate.hit import Hit
from benchmarks.generate.scripted import SCRIPTS, Step
from benchmarks.generate.things import things

_YOUNG_S = 8
"""So long after it came up a host counts as restarted."""


def act(hit: Hit) -> None:
    """What a fault that is written as a script does at its moment."""
    for step in SCRIPTS[hit.fault.type].does:
        verb, what = step.do.split(" ", 1)
        rule, _, word = what.rpartition(":")
        for thing in things(word, hit.fault.args, hit.topology):
            _take(step, hit, verb, rule, thing)


def _take(step: Step, hit: Hit, verb: str, rule: str, thing: str) -> None:
    reach = _reach(hit, thing)
    begins = step.after + step.spread * reach
    if not (_within(reach, step.reach) and _within(hit.traits.chance, step.luck) and begins < hit.fault.duration):
        return
    ends = min(hit.fault.duration, begins + step.lasts)
    ends += hit.traits.boot[thing] if step.boots else step.lingers
    since = hit.age - begins
    if step.boots and ends <= hit.age < ends + _YOUNG_S:
        hit.tell(f"rebooted:{thing}")
    if since < 0 or hit.age >= ends or (step.every and since % step.every >= step.pulse):
        return
    if verb in ("say", "tell"):
        SIGNALS[verb](hit, f"{rule}:{thing}", _amount(step, hit, since, reach, step.hard))
    else:
        amount = _amount(step, hit, since, reach, hard=True)
        if step.split:
            amount /= len(hit.instances(thing))
        PRESSES[verb](hit, thing, amount)


def _within(value: float, bounds: tuple[float, float]) -> bool:
    return bounds[0] <= value < bounds[1]


def _reach(hit: Hit, thing: str) -> float:
    """How near a thing is to the fault, from 0 to 1; an instance is between its service and its host."""
    service, _, host = thing.rpartition("@")
    if service:
        return (hit.traits.services[service] + hit.traits.hosts[host]) % 1
    return hit.traits.hosts.get(thing, hit.traits.services.get(thing, 0))


def _amount(step: Step, hit: Hit, since: float, reach: float, hard: bool) -> float:
    low, high = step.to if isinstance(step.to, tuple) else (step.to, step.to)
    full = low + (high - low) * reach
    risen = min(1, since / step.rise) if step.rise else 1
    return (step.start + (full - step.start) * risen) * (hit.strength if hard else 1)


def _stop(hit: Hit, instance: str, _: float) -> None:
    service, host = instance.split("@")
    hit.moment.instance_down[service, host][hit.fault.id] = 0.9


def _stop_database(hit: Hit, database: str, _: float) -> None:
    hit.moment.database_down[database][hit.fault.id] = 1


SIGNALS: Mapping[str, Callable[[Hit, str, float], None]] = {"say": Hit.say, "tell": Hit.tell}
"""The verbs that show a signal: one that is seen from elsewhere, or that its host tells of."""
PRESSES: Mapping[str, Callable[[Hit, str, float], None]] = {
    "down": lambda hit, host, _: hit.put_down(host),
    "slow": Hit.slow,
    "fail": Hit.fail,
    "delay": Hit.delay,
    "stop": _stop,
    "db_stop": _stop_database,
    "db_fail": Hit.fail_database,
    "db_delay": Hit.delay_database,
    "mute": lambda hit, host, _: hit.moment.silent_exporters.add(host),
    "dark": lambda hit, switch, _: hit.moment.dark_switches.add(switch),
    "silence": lambda hit, ups, _: hit.moment.silent_ups.add(ups),
}
"""What each other verb does to a thing."""
