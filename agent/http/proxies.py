"""How a request came here: directly, or through a proxy whose word about the client is taken."""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from multidict import MultiMapping

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_X_FOR, _X_PROTO, _X_HOST = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host"
_MOST_HOPS = 20
_HOST = re.compile(r"(?:[A-Za-z0-9_.-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")
_PAIR = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)=("(?:[^"\\]|\\.)*"|[^";,\s]*)\s*(;|,|$)')


class BadProxies(ValueError):
    """A network of `--web.trusted-proxies` that is none; the text says which."""


@dataclass(frozen=True)
class Came:
    """Whom a request is from and what they called: `client` is an address, "" where nobody knows it."""

    client: str
    scheme: str
    host: str

    @property
    def base(self) -> str:
        """The beginning of links for whoever sent it."""
        return f"{self.scheme}://{self.host}"


@dataclass(frozen=True)
class _Hop:
    """What one proxy says of whom it had the request from."""

    client: str = ""
    scheme: str = ""
    host: str = ""


class Proxies:
    """The networks whose proxies are believed."""

    def __init__(self, networks: Iterable[str] = ()) -> None:
        """Networks as `10.0.0.0/8`, or single addresses. Raises BadProxies."""
        self._networks = []
        for text in networks:
            try:
                self._networks.append(ipaddress.ip_network(text.strip()))
            except ValueError as error:
                raise BadProxies(f"{text!r} is no network: write --web.trusted-proxies=10.0.0.0/8,::1") from error

    def trusts(self, client: str) -> bool:
        """Whether what this address says of others is taken."""
        address = _address(client)
        return address is not None and any(address in network for network in self._networks)

    def came(self, request: web.Request) -> Came:
        """How a request came here.

        From elsewhere than a trusted network the headers say nothing. From there the client is the last address
        before the trusted ones, and scheme and host are those that the outermost trusted proxy was asked for. A
        request that carries both `Forwarded` and `X-Forwarded-*` is not believed: one of them slipped past the proxy.
        """
        client, scheme, host = _plain(request.remote or ""), request.scheme, request.host
        for hop in _hops(request.headers):
            if not self.trusts(client):
                break
            client = hop.client or client
            scheme, host = hop.scheme or scheme, hop.host or host
            if not hop.client:
                break
        return Came(client, scheme, host)


def is_forwarded(headers: MultiMapping[str]) -> bool:
    """Whether a request says that it came through a proxy; anybody can say that."""
    return any(name.lower() == "forwarded" or name.lower().startswith("x-forwarded-") for name in headers)


def _hops(headers: MultiMapping[str]) -> list[_Hop]:
    """What the proxies say, the nearest one first."""
    standard = headers.getall("Forwarded", [])
    others = any(headers.getall(name, []) for name in (_X_FOR, _X_PROTO, _X_HOST))
    if standard and others:
        return []
    return (_standard(",".join(standard)) if standard else _customary(headers))[:_MOST_HOPS]


def _standard(text: str) -> list[_Hop]:
    """`Forwarded` of RFC 7239; none of it where it is not well written."""
    hops: list[_Hop] = []
    said: dict[str, str] = {}
    place = 0
    while place < len(text):
        found = _PAIR.match(text, place)
        if found is None:
            return []
        name, value, after = found.groups()
        said[name.lower()] = re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
        place = found.end()
        if after != ";":
            hops.append(_hop(said.get("for", ""), said.get("proto", ""), said.get("host", "")))
            said = {}
    return hops[::-1]


def _customary(headers: MultiMapping[str]) -> list[_Hop]:
    """`X-Forwarded-*`: lists to which each proxy adds, or one value that the outermost one set."""
    clients, schemes, hosts = (_listed(headers, name)[::-1] for name in (_X_FOR, _X_PROTO, _X_HOST))
    count = max(len(clients), 1 if schemes or hosts else 0)
    return [_hop(_at(clients, n, ""), _at(schemes, n, "last"), _at(hosts, n, "last")) for n in range(count)]


def _at(values: list[str], place: int, beyond: str) -> str:
    if place < len(values):
        return values[place]
    return values[-1] if values and beyond else ""


def _listed(headers: MultiMapping[str], name: str) -> list[str]:
    return [part.strip() for value in headers.getall(name, []) for part in value.split(",")]


def _hop(client: str, scheme: str, host: str) -> _Hop:
    scheme = scheme.lower()
    return _Hop(_plain(client), scheme if scheme in ("http", "https") else "", host if _HOST.fullmatch(host) else "")


def _plain(text: str) -> str:
    """An address without its port; "" where it is none (`unknown`, an obfuscated name)."""
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]+)?", text)
    if bracketed is not None:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    address = _address(text)
    return str(address) if address is not None else ""


def _address(text: str) -> Address | None:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped if mapped is not None else address
