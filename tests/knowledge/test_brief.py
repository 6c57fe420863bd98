"""The special brief: every field is there, what is not known is to be verified."""

from datetime import UTC, datetime

from correlation.incident import Incident, State
from knowledge.brief import FIELDS, drafted, text_of

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def an_incident() -> Incident:
    incident = Incident(
        id=1, number="INC-20260302-0001", title="core switch down", occurred_at=NOW, opened_at=NOW, updated_at=NOW
    )
    incident.group, incident.commander, incident.severity = "net-ops", "pat", 1
    return incident


def test_no_field_is_ever_left_out_and_what_is_unknown_is_to_be_verified() -> None:
    for language, unknown in (("en", "to be verified"), ("zh", "待核实")):
        fields = drafted(an_incident(), [], language)
        assert [f.name for f in fields] == [name for _, name, _, _ in FIELDS]
        by_name = {f.name: f for f in fields}
        assert (by_name["casualties"].text, by_name["casualties"].known) == (unknown, False)
        assert (by_name["place"].text, by_name["phone"].text) == (unknown, unknown)
        assert all(f.text for f in fields)
        assert text_of(fields).count("\n") == len(FIELDS) - 1


def test_the_record_speaks_where_nobody_wrote() -> None:
    incident = an_incident()
    incident.next_action = "replace the switch"
    fields = {f.name: f for f in drafted(incident, ["room 1", "room 1", "room 2"], "en", "a broken fan")}
    assert fields["time"].text == "2026-03-02T09:00:00.000Z"
    assert fields["place"].text == "room 1, room 2"
    assert (fields["preliminary_cause"].text, fields["next"].text) == ("a broken fan", "replace the switch")
    assert (fields["reporting_unit"].text, fields["contact"].text) == ("net-ops", "pat")
    assert fields["control_state"].text == "nobody has acknowledged it yet"
    incident.state, incident.service_restored_at = State.RESOLVED, NOW
    assert "restored" in {f.name: f for f in drafted(incident, [])}["control_state"].text


def test_what_people_wrote_wins_over_the_record() -> None:
    incident = an_incident()
    incident.major = {"brief": {"place": "hall 3", "casualties": "none"}}
    fields = {f.name: f for f in drafted(incident, ["room 1"], "en")}
    assert (fields["place"].text, fields["casualties"].text, fields["casualties"].known) == ("hall 3", "none", True)
