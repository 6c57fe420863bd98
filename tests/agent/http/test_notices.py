"""Notices over the API: drafts are read, edited, held and released before they go out."""

from dataclasses import replace
from datetime import timedelta

from agent.configuration.site import Customer, Service
from agent.intents import ConfigChanged, NoticesDue
from escalation.roles import Contact
from tests.agent.http.serving import Served
from tests.house import DISK_WARN


async def drafted(api: Served) -> tuple[str, int]:
    """An incident of a customer, at the moment when the project manager is told of it."""
    acme = Customer(name="Acme", contacts=[Contact(notifier="hook", to="acme")])
    daemon = api.daemon
    daemon.in_force.config = replace(
        daemon.config, customers={"acme": acme}, services={"portal": Service(customers=["acme"])}
    )
    await daemon.pipeline.submit(ConfigChanged(daemon.config, "root"))
    number = await api.open_incident({**DISK_WARN, "service": "portal"})
    desk = daemon.pipeline.desk
    while not (notices := (await api.get("/api/v1/notices?name=customer_eod", as_="ana")).body["items"]) or (
        notices[0]["incident"] is None
    ):
        api.clock.set(max(desk.notices.next_due() or api.clock.now(), api.clock.now() + timedelta(seconds=1)))
        await daemon.pipeline.submit(NoticesDue(api.clock.now()))
    return number, notices[0]["id"]


async def test_a_draft_is_read_edited_held_and_released(api: Served) -> None:
    number, notice = await drafted(api)
    (shown,) = (await api.get(f"/api/v1/notices?incident={number}&outcome=pending&name=customer_eod")).body["items"]
    assert (shown["about"], shown["outcome"], number in shown["text"]) == ("acme", "pending", True)
    edited = await api.post(f"/api/v1/notices/{notice}/edit", {"text": "All is well."}, as_="pat")
    assert (edited.status, edited.body["text"], edited.body["edited_by"]) == (200, "All is well.", "pat")
    for deed, by in (("hold", "pat"), ("hold", "pat"), ("release", "")):
        done = await api.post(f"/api/v1/notices/{notice}/{deed}", {}, as_="pat")
        assert (done.status, done.body["held_by"]) == (200, by)


async def test_the_next_update_of_a_customer_is_there_to_be_read_and_held(api: Served) -> None:
    number, _ = await drafted(api)
    await api.post(f"/api/v1/incidents/{number}/set-severity", {"severity": 2, "reason": "worse"}, as_="pat")
    (shown,) = (await api.get(f"/api/v1/notices?incident={number}&name=customer_update&outcome=pending")).body["items"]
    assert (shown["outcome"], number in shown["text"]) == ("pending", True)
    done = await api.post(f"/api/v1/notices/{shown['id']}/hold", {}, as_="pat")
    assert (done.status, done.body["held_by"]) == (200, "pat")


async def test_what_refuses_comes_in_order(api: Served) -> None:
    _, notice = await drafted(api)
    assert (await api.post("/api/v1/notices/999/hold", {}, as_="pat")).status == 404
    assert (await api.post("/api/v1/notices/x/hold", {}, as_="pat")).status == 404
    refused = await api.post(f"/api/v1/notices/{notice}/hold", {}, as_="ana")
    assert (refused.status, "pm" in refused.body["detail"]) == (403, True)
    assert (await api.post(f"/api/v1/notices/{notice}/edit", {}, as_="pat")).status == 422
    marks = (await api.get("/api/v1/notices?name=pm_eod")).body["items"]
    over = await api.post(f"/api/v1/notices/{marks[-1]['id']}/hold", {}, as_="root")
    assert over.status in (403, 409)


async def test_the_incidents_of_the_week_are_listed_with_what_their_customers_said(api: Served) -> None:
    number = await api.open_incident()
    assert (await api.get("/api/v1/callbacks")).body["items"][0]["reached"] is None
    body = {"reached": True, "score": 5, "persists": False}
    await api.post(f"/api/v1/incidents/{number}/callback", body, as_="desk")
    (shown,) = (await api.get("/api/v1/callbacks", as_="ana")).body["items"]
    assert (shown["number"], shown["reached"], shown["score"]) == (number, True, 5)
