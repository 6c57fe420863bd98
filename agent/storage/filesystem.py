"""On what kind of filesystem a path lies, and whose the files of a store are.

Locks and fsync of a network filesystem do not keep what SQLite relies on.
"""

import os
import re
from pathlib import Path

_MOUNTS = Path("/proc/self/mountinfo")
_NETWORK = frozenset(
    ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs", "lustre", "ncpfs", "ocfs2", "gfs2")
)
_NETWORK_FUSE = frozenset(("sshfs", "glusterfs", "s3fs", "rclone", "davfs", "cephfs", "gcsfuse", "smbnetfs"))


def network_filesystem(path: str, mounts: Path = _MOUNTS) -> str | None:
    """The kind of network filesystem that holds a path (`nfs4`), also where the path does not exist yet.

    None: it is a local one, or nobody can say.
    """
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
    except OSError:
        return None
    where = os.path.realpath(path)
    held: tuple[int, str] = (0, "")
    for line in lines:
        before, _, after = line.partition(" - ")
        place, kind = _unescaped(before.split(" ")[4]), after.partition(" ")[0]
        if os.path.commonpath((place, where)) == place and len(place) >= held[0]:
            held = (len(place), kind)
    family, _, kind = held[1].partition(".")
    return held[1] if family in _NETWORK or (family == "fuse" and kind in _NETWORK_FUSE) else None


def make_file(path: str | Path) -> int:
    """Make a new file of the store for its owner alone, whatever the umask, and return it open.

    What root makes in the folder of somebody else, by a command beside the daemon, is theirs: that daemon has to open
    it. Raises FileExistsError.
    """
    made = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    if os.geteuid() == 0:
        folder = Path(path).parent.stat()
        os.fchown(made, folder.st_uid, folder.st_gid)
    return made


def _unescaped(text: str) -> str:
    return re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), text)
