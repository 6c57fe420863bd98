"""The register of configuration items: edits over the file, and the item that an alert is about."""

from datetime import UTC, datetime, timedelta
from typing import Any

from collectors.labels import Matcher
from correlation.configuration_item import ItemEdit, Register, laid_over, next_end, ring_through
from correlation.rings import rings
from correlation.rules import ConfigurationItem

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
FILED = {
    "ups-a": ConfigurationItem(kind="ups", criticality="important", location="room 1"),
    "db-1": ConfigurationItem(depends_on=["ups-a"]),
}


def edit(place: int, item: str, until: datetime | None = None, **values: Any) -> ItemEdit:
    return ItemEdit(id=place, item=item, values=values, author="ana", reason="moved", at=NOW, until=until)


def test_an_edit_is_laid_over_the_file_key_by_key() -> None:
    found = laid_over(FILED, [edit(1, "ups-a", location="room 2"), edit(2, "ups-a", owner="wei")], NOW)
    assert (found["ups-a"].location, found["ups-a"].owner, found["ups-a"].criticality) == ("room 2", "wei", "important")
    assert FILED["ups-a"].location == "room 1"


def test_of_two_edits_of_one_key_the_later_one_holds_whatever_their_order() -> None:
    edits = [edit(2, "ups-a", location="room 3"), edit(1, "ups-a", location="room 2")]
    assert laid_over(FILED, edits, NOW)["ups-a"].location == "room 3"


def test_null_goes_back_to_what_the_file_says() -> None:
    edits = [edit(1, "ups-a", location="room 2", owner="wei"), edit(2, "ups-a", location=None)]
    found = laid_over(FILED, edits, NOW)["ups-a"]
    assert (found.location, found.owner) == ("room 1", "wei")


def test_an_edit_ends_at_its_end_and_the_one_below_it_holds_again() -> None:
    edits = [edit(1, "ups-a", location="room 2"), edit(2, "ups-a", NOW + HOUR, location="room 9")]
    assert laid_over(FILED, edits, NOW)["ups-a"].location == "room 9"
    assert next_end(edits, NOW) == NOW + HOUR
    assert laid_over(FILED, edits, NOW + HOUR)["ups-a"].location == "room 2"
    assert next_end(edits, NOW + HOUR) is None


def test_an_item_may_be_written_that_no_file_has() -> None:
    found = laid_over(FILED, [edit(1, "rack-b", kind="rack", depends_on=["ups-a"])], NOW)
    assert (found["rack-b"].kind, found["rack-b"].depends_on) == ("rack", ["ups-a"])


def test_what_an_item_depends_on_and_the_file_has_lost_is_left_out() -> None:
    found = laid_over({"db-1": FILED["db-1"]}, [edit(1, "db-1", owner="wei")], NOW)
    assert found["db-1"].depends_on == []


def test_what_another_file_makes_a_ring_is_left_out_and_the_rest_holds() -> None:
    edits = [edit(1, "ups-a", depends_on=["rack-b"], owner="wei"), edit(2, "rack-b", depends_on=[])]
    filed = {**FILED, "rack-b": ConfigurationItem(kind="rack", depends_on=["ups-a"])}
    found = laid_over(filed, edits[:1], NOW)
    assert not list(rings({name: item.depends_on for name, item in found.items()}))
    assert (found["ups-a"].owner, found["db-1"].depends_on) == ("wei", ["ups-a"])
    assert laid_over(filed, edits, NOW)["ups-a"].depends_on == ["rack-b"]


def test_an_item_that_a_file_has_in_another_case_since_is_that_one() -> None:
    found = laid_over({"DB-1": FILED["db-1"], "ups-a": FILED["ups-a"]}, [edit(1, "db-1", owner="wei")], NOW)
    assert sorted(found) == ["DB-1", "ups-a"]
    assert found["DB-1"].owner == "wei"


def test_a_ring_is_found_now_and_where_the_end_of_an_edit_would_close_it() -> None:
    first = edit(1, "db-1", NOW + HOUR, depends_on=[])
    second = edit(2, "ups-a", depends_on=["db-1"])
    assert ring_through("ups-a", FILED, [second], NOW) == ["ups-a", "db-1"]
    assert ring_through("ups-a", FILED, [first, second], NOW) == ["ups-a", "db-1"], "in an hour"
    assert ring_through("ups-a", FILED, [edit(1, "db-1", depends_on=[]), second], NOW) == []
    assert ring_through("db-1", {"db-1": ConfigurationItem(depends_on=["db-1"])}, [], NOW) == ["db-1"]


def test_an_alert_is_about_the_item_that_a_label_names_else_the_first_that_matches() -> None:
    matching = ConfigurationItem(match=(Matcher.parse('team="web"'),), criticality="critical")
    register = Register({**FILED, "shop": matching})
    assert register.item_of({"instance": "db-1:9100", "team": "web"}) == "db-1"
    assert register.item_of({"instance": "web-7:80", "team": "web"}) == "shop"
    assert register.item_of({"instance": "web-7:80"}) is None
    assert (register.criticality({"team": "web"}), register.criticality({})) == ("critical", "")


def test_restricted_items_come_with_their_customers_rule() -> None:
    vault = ConfigurationItem(restricted=True, rule="two people, one of the bank's")
    register = Register({**FILED, "vault": vault})
    assert register.restricted(["db-1", "vault", "gone"]) == {"vault": "two people, one of the bank's"}
