"""Who is believed about the client, and what is made of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict
from structlog.testing import capture_logs

from agent.http.proxies import BadProxies, Proxies, is_forwarded
from agent.http.turned_away import TurnedAway
from tests.agent.http.serving import Served, served

PROXIES = Proxies(["10.0.0.0/8", "::1"])
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)


def came(peer: str, *headers: tuple[str, str], proxies: Proxies = PROXIES) -> tuple[str, str, str]:
    sent = make_mocked_request("GET", "/", headers=CIMultiDict([("Host", "inner:9099"), *headers]))
    found = proxies.came(sent.clone(remote=peer))
    return found.client, found.scheme, found.host


FOR, PROTO, HOST, STANDARD = "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"


def test_a_trusted_proxy_says_whom_the_request_is_from_and_what_they_called() -> None:
    sent = ((FOR, "192.0.2.7"), (PROTO, "https"), (HOST, "pages.example.org"))
    assert came("10.1.1.1", *sent) == ("192.0.2.7", "https", "pages.example.org")
    standard = (STANDARD, 'for=192.0.2.7;proto=https;host="pages.example.org:8443"')
    assert came("10.1.1.1", standard) == ("192.0.2.7", "https", "pages.example.org:8443")


@pytest.mark.parametrize(
    "header", [(FOR, "192.0.2.7"), (PROTO, "https"), (HOST, "evil"), (STANDARD, "for=192.0.2.7;proto=https;host=evil")]
)
def test_from_elsewhere_the_headers_say_nothing(header: tuple[str, str]) -> None:
    assert came("192.0.2.1", header) == ("192.0.2.1", "http", "inner:9099")
    assert came("10.1.1.1", header, proxies=Proxies()) == ("10.1.1.1", "http", "inner:9099")


def test_an_address_that_the_client_wrote_itself_is_passed_over() -> None:
    assert came("10.1.1.1", (FOR, "8.8.8.8, 192.0.2.7"))[0] == "192.0.2.7"
    assert came("10.1.1.1", (FOR, "8.8.8.8"), (FOR, "192.0.2.7"))[0] == "192.0.2.7"
    assert came("10.1.1.1", (STANDARD, "for=8.8.8.8, for=192.0.2.7;proto=https"))[:2] == ("192.0.2.7", "https")


def test_a_chain_of_trusted_proxies_is_followed_to_its_outer_end() -> None:
    assert came("10.1.1.1", (FOR, "8.8.8.8, 192.0.2.7, 10.2.2.2"), (PROTO, "https"))[:2] == ("192.0.2.7", "https")
    assert came("10.1.1.1", (FOR, "192.0.2.7, 10.2.2.2"), (PROTO, "https, http"))[:2] == ("192.0.2.7", "https")
    chained = 'for="[2001:db8::7]:4711";proto=https, for=10.2.2.2;proto=http'
    assert came("::1", (STANDARD, chained))[:2] == ("2001:db8::7", "https")
    assert came("10.1.1.1", (FOR, "10.3.3.3, 10.2.2.2"))[0] == "10.3.3.3"


def test_a_request_with_both_kinds_of_headers_is_not_believed() -> None:
    assert came("10.1.1.1", (FOR, "192.0.2.7"), (STANDARD, "for=8.8.8.8;host=evil")) == (
        "10.1.1.1",
        "http",
        "inner:9099",
    )


@pytest.mark.parametrize(
    "header",
    [
        pytest.param((FOR, "unknown"), id="unknown"),
        pytest.param((FOR, "_hidden"), id="obfuscated"),
        pytest.param((FOR, ""), id="empty"),
        pytest.param((PROTO, "javascript"), id="another scheme"),
        pytest.param((HOST, "evil/path"), id="a path"),
        pytest.param((HOST, 'evil"\t<'), id="markup"),
        pytest.param((STANDARD, 'for="192.0.2.7'), id="an open quote"),
        pytest.param((STANDARD, "for=192.0.2.7 proto"), id="no pair"),
    ],
)
def test_what_is_not_well_written_changes_nothing(header: tuple[str, str]) -> None:
    assert came("10.1.1.1", header) == ("10.1.1.1", "http", "inner:9099")


def test_addresses_have_one_form() -> None:
    assert came("::ffff:10.1.1.1", (FOR, "192.0.2.7:5000"))[0] == "192.0.2.7"
    assert came("10.1.1.1", (FOR, "[2001:DB8::7]"))[0] == "2001:db8::7"


@pytest.mark.parametrize("network", ["10.0.0.1/8", "proxy.example.org", "10.0.0.0/33"])
def test_what_is_no_network_is_refused_with_the_right_form(network: str) -> None:
    with pytest.raises(BadProxies, match=r"write --web\.trusted-proxies="):
        Proxies([network])


def test_any_forwarding_header_counts_as_forwarded() -> None:
    assert is_forwarded(CIMultiDict({"x-forwarded-ssl": "on"}))
    assert not is_forwarded(CIMultiDict({"Host": "inner", "Via": "1.1 proxy"}))


def test_a_client_that_is_turned_away_is_told_once_in_ten_minutes() -> None:
    turned_away = TurnedAway()
    with capture_logs() as told:
        for seconds in (0, 1, 2, 599, 600):
            turned_away.note("192.0.2.7", "/api/v1/me", NOON + timedelta(seconds=seconds))
        turned_away.note("192.0.2.8", "/api/v1/me", NOON)
    assert [(line["client"], line["not_told"]) for line in told] == [
        ("192.0.2.7", 0),
        ("192.0.2.7", 3),
        ("192.0.2.8", 0),
    ]


FORWARDED = {FOR: "192.0.2.7", PROTO: "https", HOST: "pages.example.org"}


@pytest.mark.parametrize(
    ("trusted", "client", "begins"),
    [
        pytest.param(("127.0.0.0/8",), "192.0.2.7", "https://pages.example.org/", id="trusted"),
        pytest.param((), "127.0.0.1", "http://127.0.0.1:", id="not trusted"),
    ],
)
async def test_links_and_the_log_follow_the_proxies_that_are_trusted(
    tmp_path: Path, trusted: tuple[str, ...], client: str, begins: str
) -> None:
    async with served(tmp_path, trusted_proxies=trusted, external_url="") as api:
        made = await api.post("/api/v1/incidents", {"title": "it is down"}, as_="desk", headers=FORWARDED)
        assert made.headers["Location"] == f"{_start(api, begins)}api/v1/incidents/{made.body['number']}"
        with capture_logs() as told:
            assert (await api.get("/api/v1/me", as_="", headers=FORWARDED)).status == 401
        assert [line["client"] for line in told if "client" in line] == [client]


def _start(api: Served, begins: str) -> str:
    return begins if begins.startswith("https") else f"{api.url}/"


async def test_the_external_url_is_what_links_begin_with_whatever_was_called(api: Served) -> None:
    made = await api.post("/api/v1/incidents", {"title": "it is down"}, as_="desk")
    assert made.headers["Location"] == f"http://here/api/v1/incidents/{made.body['number']}"


async def test_a_daemon_on_port_0_links_to_the_port_that_it_got(api: Served) -> None:
    daemon = api.daemon
    daemon.options = replace(daemon.options, external_url="", listen="127.0.0.1:0")
    daemon.port = 4711
    links = daemon.links("INC-1", "ana")
    assert links["open"] == "http://127.0.0.1:4711/api/v1/incidents/INC-1"
    assert links["acknowledge"].startswith("http://127.0.0.1:4711/ack/")
