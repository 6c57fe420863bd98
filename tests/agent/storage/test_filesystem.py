"""Which paths lie on a network filesystem."""

from pathlib import Path

import pytest

from agent.storage.filesystem import network_filesystem

MOUNTS = r"""
22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw
30 22 0:40 / /srv rw - nfs4 files:/srv rw,vers=4.2
31 30 8:2 / /srv/local rw - xfs /dev/sdb1 rw
32 22 0:41 / /mnt/with\040space rw shared:7 master:2 - cifs //files/share rw
33 22 0:42 / /srv/far rw - fuse.sshfs ana@files:/ rw
34 22 0:43 / /var/lib/near rw - fuse.mergerfs a:b rw
35 22 8:3 / /over rw - ext4 /dev/sdc1 rw
36 22 0:44 / /over rw - nfs files:/over rw
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/var/lib/tocsin/tocsin.db", None),
        ("/srv/tocsin/tocsin.db", "nfs4"),
        ("/srv/local/tocsin.db", None),
        ("/srvx/tocsin.db", None),
        ("/mnt/with space/tocsin.db", "cifs"),
        ("/srv/far/tocsin.db", "fuse.sshfs"),
        ("/var/lib/near/tocsin.db", None),
        pytest.param("/over/tocsin.db", "nfs", id="mounted over another one"),
    ],
)
def test_the_mount_that_holds_a_path_says_what_it_is(tmp_path: Path, path: str, kind: str | None) -> None:
    mounts = tmp_path / "mountinfo"
    mounts.write_text(MOUNTS.lstrip())
    assert network_filesystem(path, mounts) == kind


def test_where_nobody_can_say_it_is_taken_for_a_local_one(tmp_path: Path) -> None:
    assert network_filesystem("/srv/tocsin.db", tmp_path / "none") is None
