"""For whom a service is run, and what was promised to them."""

from collections.abc import Mapping

from agent.config import Config
from agent.site import Contract
from correlation.incident import Incident


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
    """The contracts of its customers that cover its service, by name."""
    customers = customers_of(incident, config)
    return {
        name: contract
        for name, contract in config.contracts.items()
        if contract.customer in customers and (not contract.services or incident.service in contract.services)
    }
