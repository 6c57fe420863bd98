"""Names and moments that people write: what is nobody, nothing, or not to be is refused in a sentence."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from difflib import get_close_matches
from typing import Any

from agent.configuration.config import Config
from agent.configuration.faults import suggest
from collectors.moment import parse_moment
from correlation import form
from correlation.incident import Action
from correlation.need import Missing, NotNow
from correlation.permission import OUTSIDERS, WHO_MAY, Actor

_AHEAD = timedelta(minutes=5)
"""A moment so little ahead is now, by another clock."""
_HAPPENED = ("at", "service_restored_at", "occurred_at", "reported_at", *form.MOMENTS)
_TO_COME = ("resume_at",)
_A_SLIP = 0.9
"""How much like another a word is that was meant to be it."""


def works(config: Config, person: str) -> bool:
    """Whether somebody of people.yaml works on incidents: an incident given to them can be acknowledged."""
    roles = frozenset(config.people[person].roles)
    return bool(Actor(person, roles).rights & WHO_MAY[Action.ACKNOWLEDGE].keys())


def check_person(config: Config, field: str, person: str | None) -> None:
    """Refuse whoever is not in people.yaml."""
    if person and person not in config.people:
        raise Missing([field], f"there is no person {person!r} in people.yaml{suggest(person, config.people)}")


def check_worker(config: Config, person: str | None) -> None:
    """Refuse to give an incident to whoever only looks on."""
    check_person(config, "person", person)
    if person and not works(config, person):
        has, may = ", ".join(config.people[person].roles), ", ".join(WHO_MAY[Action.ACKNOWLEDGE])
        raise Missing(["person"], f"{person} is {has} and works on no incident: name one of {may}")


def leads(config: Config, person: str) -> bool:
    """Whether somebody of people.yaml may lead: who only looks on, or belongs elsewhere, does not."""
    return not set(config.people[person].roles) <= OUTSIDERS | {"viewer"}


def check_leader(config: Config, field: str, person: str | None) -> None:
    """Refuse a commander, or a role beside one, for whoever only looks on or belongs elsewhere."""
    check_person(config, field, person)
    if person and not leads(config, person):
        has = ", ".join(config.people[person].roles) or "nothing"
        raise Missing([field], f"{person} is {has} and leads no incident: name somebody who works here")


def check_group(config: Config, field: str, group: str | None) -> None:
    """Refuse a group that is not there."""
    if group and group not in config.groups:
        raise Missing([field], f"there is no group {group!r}{suggest(group, config.groups)}")


def check_category(config: Config, field: str, category: str | None) -> None:
    """Refuse a slip of the pen: all but a category of the tree, or of a rule, and none itself (procedure R19).

    Other words are taken: the tree of a pack is not that of every site.
    """
    known = config.classification.known()
    if category and category not in known and get_close_matches(category, known, 1, _A_SLIP):
        more = suggest(category, known)
        raise Missing([field], f"there is no category {category!r}{more}: classification.yaml has them in `categories`")


def _moment(written: Any) -> datetime | None:
    return written if isinstance(written, datetime) else parse_moment(written or "")


def check_moments(body: Mapping[str, Any], now: datetime) -> None:
    """Refuse what is said to have happened and is still to come, and what is to come and has passed (409)."""
    for field in _HAPPENED:
        moment = _moment(body.get(field))
        if moment is not None and moment > now + _AHEAD:
            raise NotNow(f"{field} is still to come: write when it was, or leave it out")
    for field in _TO_COME:
        moment = _moment(body.get(field))
        if moment is not None and moment <= now:
            raise NotNow(f"{field} has passed: write a moment to come")
    begun, ended = (_moment(body.get(name)) for name in form.MOMENTS)
    if begun is not None and ended is not None and ended < begun:
        raise NotNow("outage_end is before outage_start: write when the outage began and when it was over")
