"""The disk inspection: a filled filesystem, a read-only one, one that is gone and one that hangs."""

import ctypes
import math
import os
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from collectors.inspections.disk import Config, Disk, Inspect, look
from collectors.source import Reading, Unreachable
from tests.collectors.inspections.conftest import mount
from tests.collectors.inspections.reading import at, findings, values, well
from tests.conftest import go_without
from tests.real.running import until


def config(path: Path | str, **more: Any) -> Config:
    return Config.model_validate({"type": "disk", "every": "1m", "path": str(path), **more})


SOUND = Disk(50, 50, 1000, 900, read_only=False, mount_point=True, device=1)


def inspect(disk: Disk, **more: Any) -> Inspect:
    return Inspect("root-disk", config("/data", **more), look=lambda _: disk)


async def test_space_and_inodes_are_counted_as_df_counts_them() -> None:
    told = await inspect(SOUND._replace(used=60, free=20)).read(at(0))
    assert values(told) == {
        "disk_used_pct": 75,
        "inode_free_pct": 90,
        "disk_full_in_s": pytest.approx(math.nan, nan_ok=True),
    }
    assert all(one.labels == {"mountpoint": "/data"} for one in told)


async def test_a_filesystem_that_counts_no_inodes_has_no_reading_of_them() -> None:
    assert "inode_free_pct" not in values(await inspect(SOUND._replace(inodes=0)).read(at(0)))


@pytest.mark.parametrize(
    ("disk", "more", "wrong", "fine"),
    [
        pytest.param(SOUND, {}, {}, {"DiskReadOnly"}, id="sound"),
        pytest.param(SOUND._replace(read_only=True), {}, {"DiskReadOnly"}, set(), id="remounted-read-only"),
        pytest.param(
            SOUND._replace(read_only=True), {"read_only": True}, {}, {"DiskReadOnly"}, id="read-only-is-meant"
        ),
        pytest.param(SOUND, {"mounted": True}, {}, {"DiskReadOnly", "DiskNotMounted"}, id="mounted"),
        pytest.param(SOUND._replace(mount_point=False), {"mounted": True}, {"DiskNotMounted"}, set(), id="not-mounted"),
        pytest.param(SOUND._replace(mount_point=False), {}, {}, {"DiskReadOnly"}, id="any-directory-will-do"),
    ],
)
async def test_the_state_of_a_mount_is_a_finding(disk: Disk, more: dict[str, Any], wrong: Any, fine: set[str]) -> None:
    told = await inspect(disk, **more).read(at(0))
    assert (set(findings(told)), well(told)) == (set(wrong), fine)


async def test_a_volume_that_is_not_mounted_is_not_read_as_the_disk_below_it() -> None:
    told = await inspect(SOUND._replace(mount_point=False), mounted=True).read(at(0))
    assert all(math.isnan(value) for value in values(told).values())


async def test_the_forecast_is_silent_for_half_an_hour_and_tells_a_fill_after_it() -> None:
    used = 600.0
    inspection = Inspect(
        "root-disk", config("/data"), look=lambda _: SOUND._replace(used=int(used), free=1000 - int(used))
    )
    seen = []
    for minute in range(61):
        seen.append(values(await inspection.read(at(minute)))["disk_full_in_s"])
        used += 2
    assert all(math.isnan(full_in) for full_in in seen[:30])
    assert seen[60] == pytest.approx((1000 - 720) / 2 * 60, rel=0.05)


async def test_the_forecast_brings_the_free_share_that_its_threshold_asks_for() -> None:
    told = await inspect(SOUND._replace(used=70, free=30)).read(at(0))
    (reading,) = [one for one in told if isinstance(one, Reading) and one.key == "disk_full_in_s"]
    assert reading.given == {"disk_free_pct": pytest.approx(30)}


async def test_another_device_at_the_same_path_begins_the_forecast_anew() -> None:
    disk = SOUND
    inspection = Inspect("root-disk", config("/data"), look=lambda _: disk)
    for minute in range(40):
        disk = SOUND._replace(used=100 + minute, free=100 - minute)
        await inspection.read(at(minute))
    disk = disk._replace(device=2)
    assert math.isnan(values(await inspection.read(at(41)))["disk_full_in_s"])


def filling(used: float) -> Inspect:
    return Inspect("root-disk", config("/data"), look=lambda _: SOUND._replace(used=int(used), free=1000 - int(used)))


async def test_a_restart_does_not_begin_the_forecast_anew() -> None:
    memory = ""
    for minute in range(61):  # another process each minute
        inspection = filling(600 + 2 * minute)
        if memory:
            inspection.recall(memory, at(minute))
        told = values(await inspection.read(at(minute)))["disk_full_in_s"]
        memory = inspection.memory()
    assert told == pytest.approx((1000 - 720) / 2 * 60, rel=0.05)


async def test_what_was_remembered_of_another_device_or_of_another_time_is_left() -> None:
    inspection = filling(600)
    for minute in range(61):
        inspection = inspection if minute == 0 else _again(inspection, 600 + 2 * minute, minute)
        await inspection.read(at(minute))
    other = Inspect("root-disk", config("/data"), look=lambda _: SOUND._replace(used=722, free=278, device=7))
    other.recall(inspection.memory(), at(61))
    assert math.isnan(values(await other.read(at(61)))["disk_full_in_s"])
    for now in (at(0) - timedelta(hours=1), at(0) + timedelta(days=3)):
        later = filling(722)
        later.recall(inspection.memory(), now)
        assert math.isnan(values(await later.read(now))["disk_full_in_s"])


def _again(before: Inspect, used: float, minute: int) -> Inspect:
    made = filling(used)
    made.recall(before.memory(), at(minute))
    return made


@pytest.mark.parametrize("memory", ["", "{", "[]", '{"device": 1}', '{"device": 1, "points": [["x", 1, 1]]}'])
def test_a_memory_that_is_none_is_refused(memory: str) -> None:
    with pytest.raises(ValueError):
        filling(600).recall(memory, at(0))


async def test_a_path_that_is_not_there_is_an_outage_that_says_so(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"missing cannot be read: No such file"):
        await Inspect("x", config(tmp_path / "missing")).read(at(0))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="no /proc on this machine")
async def test_a_filesystem_without_blocks_is_refused_not_divided_by() -> None:
    with pytest.raises(Unreachable, match="no blocks"):
        await Inspect("x", config("/proc")).read(at(0))


async def test_the_real_disk_under_the_tests_is_read(tmp_path: Path) -> None:
    told = await Inspect("x", config(tmp_path)).read(at(0))
    assert 0 <= values(told)["disk_used_pct"] <= 100


async def test_a_hung_look_is_an_outage_and_is_never_doubled() -> None:
    let_go, looks = threading.Event(), []

    def hang(path: str) -> Disk:
        looks.append(path)
        let_go.wait()
        return SOUND

    inspection = Inspect("nfs", config("/nfs", deadline="10ms"), look=hang)
    for minute in range(4):
        with pytest.raises(Unreachable, match=r"/nfs hangs: no answer in 0.01 s"):
            await inspection.read(at(minute))
    assert looks == ["/nfs"]
    let_go.set()
    assert inspection._asked is not None
    await inspection._asked
    patient = Inspect("nfs", config("/nfs", deadline="30s"), look=lambda _: SOUND)
    assert "disk_used_pct" in values(await patient.read(at(5)))


async def test_an_answer_that_came_too_late_is_not_taken_for_a_new_one() -> None:
    let_go, answers = threading.Event(), iter([SOUND, SOUND._replace(used=90, free=10)])

    def slow(_: str) -> Disk:
        let_go.wait()
        return next(answers)

    inspection = Inspect("nfs", config("/nfs", deadline="100ms"), look=slow)
    with pytest.raises(Unreachable):
        await inspection.read(at(0))
    let_go.set()
    assert inspection._asked is not None
    await inspection._asked

    async def used() -> float:
        try:
            return values(await inspection.read(at(1)))["disk_used_pct"]
        except Unreachable:
            return 0

    assert await until(used, "it answers") == 90


def test_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValidationError, match="paht"):
        config("/", paht="/")


def fill(directory: Path, size: int) -> None:
    (directory / "big").write_bytes(bytes(size))


async def test_a_filled_filesystem_reads_as_full_and_an_emptied_one_as_empty(tmpfs: Path) -> None:
    inspection = Inspect("t", config(tmpfs, mounted=True))
    assert values(await inspection.read(at(0)))["disk_used_pct"] < 5
    fill(tmpfs, 7 * 1024 * 1024)
    assert values(await inspection.read(at(1)))["disk_used_pct"] == pytest.approx(87.5, abs=1)
    (tmpfs / "big").unlink()
    assert values(await inspection.read(at(2)))["disk_used_pct"] < 5


async def test_a_filesystem_out_of_inodes_is_seen_though_its_space_is_free(tmpfs: Path) -> None:
    for n in range(195):
        (tmpfs / str(n)).touch()
    told = values(await Inspect("t", config(tmpfs)).read(at(0)))
    assert told["inode_free_pct"] < 5
    assert told["disk_used_pct"] < 20


async def test_a_remount_as_read_only_is_told_and_taken_back(tmpfs: Path) -> None:
    inspection = Inspect("t", config(tmpfs))
    assert findings(await inspection.read(at(0))) == {}
    assert mount("-o", "remount,ro", str(tmpfs)) == ""
    assert set(findings(await inspection.read(at(1)))) == {"DiskReadOnly"}
    assert mount("-o", "remount,rw", str(tmpfs)) == ""
    assert "DiskReadOnly" in well(await inspection.read(at(2)))


@pytest.fixture
def hung_mount(open_dir: Path) -> Iterator[Path]:
    """A real mount whose server never answers: FUSE without anybody behind it."""
    if os.geteuid() != 0 or not Path("/dev/fuse").exists():
        go_without("a hung mount needs root and /dev/fuse")
    place = open_dir / "hung"
    place.mkdir()
    server = os.open("/dev/fuse", os.O_RDWR)
    libc = ctypes.CDLL(None, use_errno=True)
    options = f"fd={server},rootmode=40000,user_id=0,group_id=0".encode()
    if libc.mount(b"hung", str(place).encode(), b"fuse", 0, options) != 0:
        os.close(server)
        go_without(f"a FUSE filesystem cannot be mounted here: {os.strerror(ctypes.get_errno())}")
    yield place
    os.close(server)
    assert libc.umount2(str(place).encode(), 2) == 0, os.strerror(ctypes.get_errno())


async def test_a_mount_whose_server_is_gone_is_an_outage_within_the_deadline(hung_mount: Path) -> None:
    before = threading.active_count()
    inspection = Inspect("nfs", config(hung_mount, deadline="200ms"))
    for minute in range(3):
        with pytest.raises(Unreachable, match="hangs"):
            await inspection.read(at(minute))
    assert threading.active_count() <= before + 1
    await inspection.close()


def test_the_forecast_spans_are_those_of_the_rule() -> None:
    assert (config("/").forecast_over, config("/").forecast_after) == (timedelta(hours=6), timedelta(minutes=30))


def test_look_knows_a_mount_point(tmp_path: Path) -> None:
    assert look("/").mount_point
    assert not look(str(tmp_path)).mount_point
