"""The number of an incident is given once: also where a day comes again, by another time zone or a clock put right."""

from dataclasses import replace
from zoneinfo import ZoneInfo

from agent.intents import ConfigChanged
from agent.rehearsal.house import House
from tests.house import alert, message


async def opens(house: House, name: str) -> str:
    await house.receive(message(alert({"alertname": name, "instance": f"{name}:1"})))
    return next(i.number for i in house.incidents() if name in i.title)


async def written_for(house: House, zone: str) -> None:
    house.config = replace(house.config, zone=ZoneInfo(zone))
    await house.do(ConfigChanged(house.config, "root"))


async def test_a_day_that_comes_again_goes_on_counting_also_after_a_restart(house: House) -> None:
    await written_for(house, "UTC")
    assert await opens(house, "First") == "INC-20260302-0001"
    await written_for(house, "Pacific/Kiritimati")  # 14 hours ahead: it is 23:00
    assert await opens(house, "Second") == "INC-20260302-0002"
    await house.advance(hours=2)
    assert await opens(house, "Third") == "INC-20260303-0001"
    await written_for(house, "UTC")
    assert await opens(house, "Fourth") == "INC-20260302-0003"
    await house.restart()
    await written_for(house, "UTC")
    assert await opens(house, "Fifth") == "INC-20260302-0004"
    assert len({i.number for i in house.incidents()}) == 5
