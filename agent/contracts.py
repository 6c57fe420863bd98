"""For whom a service is run, what was promised to them, and what is within the scope of that (procedure R48, R105)."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from agent.configuration.config import Config
from agent.configuration.site import Contract
from correlation.calendar import calendar_named
from correlation.incident import ITEM, Incident, Why

COVERED = "covered"
"""The code of a verdict that is in scope; all others are out of it."""


def customers_of(incident: Incident, config: Config) -> list[str]:
    """Whose incident it is: the customer that the record names, else those of its service and of its contracts."""
    named: str = incident.form.get("customer") or ""
    if named in config.customers:
        return [named]
    service = config.services.get(incident.service)
    found = [*(service.customers if service is not None else ())]
    found += [c.customer for c in config.contracts.values() if incident.service and incident.service in c.services]
    return [name for name in dict.fromkeys(found) if name in config.customers]


def contracts_of(incident: Incident, config: Config) -> Mapping[str, Contract]:
    """The contracts of its customers that cover its service and were in force when it was reported, by name."""
    customers = customers_of(incident, config)
    return {
        name: contract
        for name, contract in config.contracts.items()
        if contract.customer in customers
        and (not contract.services or incident.service in contract.services)
        and _not_in_force(name, contract, incident.opened_at, config) is None
    }


def scope_of(incident: Incident, config: Config) -> Why | None:
    """Whether a contract of its customers covers it, and which; of several that do not, what the nearest one lacks.

    None where that cannot be judged: no contract is written, or nobody says whose incident it is.
    """
    customers = _asked_by(incident, config)
    if not config.contracts or not customers:
        return None
    nearest: tuple[int, Why] | None = None
    for name, contract in config.contracts.items():
        if contract.customer not in customers:
            continue
        lacks = [(place, why) for place, why in enumerate(_checks(name, contract, incident, config)) if why is not None]
        if not lacks:
            return Why("covered", {"contract": name})
        nearest = max(nearest or lacks[0], lacks[0], key=lambda lack: lack[0])
    return nearest[1] if nearest is not None else Why("no_contract", {"customer": ", ".join(customers)})


def _asked_by(incident: Incident, config: Config) -> list[str]:
    """As `customers_of`; a customer that is named and is none of ours has no contract either."""
    named: str = incident.form.get("customer") or ""
    if not named or named in config.customers:
        return customers_of(incident, config)
    known = [name for name, customer in config.customers.items() if customer.name.casefold() == named.casefold()]
    return known or [named]


def _checks(name: str, contract: Contract, incident: Incident, config: Config) -> Iterator[Why | None]:
    """What a contract lacks for an incident, check by check; what the record does not say is held against nobody."""
    service, items = incident.service, incident.linked(ITEM)
    strange = service and contract.services and service not in contract.services
    yield Why("service_not_covered", {"contract": name, "service": service}) if strange else None
    strange = items and contract.items and not set(items) & set(contract.items)
    yield Why("items_not_covered", {"contract": name, "items": items[:10]}) if strange else None
    yield _not_in_force(name, contract, incident.opened_at, config)
    closed = contract.hours is not None and not _opens(contract.hours, incident.opened_at, config)
    yield Why("outside_hours", {"contract": name, "hours": contract.hours}) if closed else None


def _not_in_force(name: str, contract: Contract, at: datetime, config: Config) -> Why | None:
    day = at.astimezone(config.zone).date()
    if contract.valid_from is not None and day < contract.valid_from:
        return Why("contract_not_begun", {"contract": name, "valid_from": contract.valid_from.isoformat()})
    if contract.valid_until is not None and day > contract.valid_until:
        return Why("contract_over", {"contract": name, "valid_until": contract.valid_until.isoformat()})
    return None


def _opens(hours: str, at: datetime, config: Config) -> bool:
    """Whether a calendar is open at a moment."""
    calendar = calendar_named(hours, config.calendars)
    return any(begins <= at < ends for begins, ends in calendar.windows(calendar.local_day(at)))
