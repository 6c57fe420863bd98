"""A real mail server for the mailbox that is read by IMAP: Dovecot, with mailboxes made of plain files."""

import asyncio
import getpass
import os
import re
import shutil
import tempfile
from pathlib import Path

from tests.real.running import Program, give_to_nobody, run_directory

PASSWORD = "mailbox-secret"
_CONFIG = """\
protocols = imap
listen = 127.0.0.1
base_dir = {sockets}
state_dir = {home}/state
log_path = /dev/stderr
ssl = no
disable_plaintext_auth = no
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{home}/mail/%u
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={user} gid={group} home={home}/mail/%u
}}
service anvil {{
  chroot =
}}
service stats {{
  chroot =
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = 0
  }}
}}
"""


class Dovecot(Program):
    """A real Dovecot: every name is a user, with the password PASSWORD; it runs without the rights of root."""

    name = "dovecot"

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._delivered = 0
        self._sockets = give_to_nobody(Path(tempfile.mkdtemp(prefix="imap-", dir=run_directory())))
        """Where its processes talk to each other: the names of sockets are short."""

    def command(self) -> list[str]:
        root = os.geteuid() == 0
        user, group = ("nobody", "nogroup") if root else (getpass.getuser(), str(os.getegid()))
        config = self.directory / "dovecot.conf"
        home = self.directory
        config.write_text(
            _CONFIG.format(home=home, sockets=self._sockets, user=user, group=group, password=PASSWORD, port=self.port)
        )
        return [shutil.which("dovecot", path="/usr/sbin:/usr/bin:/sbin:/bin") or "dovecot", "-F", "-c", str(config)]

    async def ready(self) -> bool:
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        except OSError:
            return False
        try:
            return (await reader.readline()).startswith(b"* OK")
        finally:
            writer.close()

    async def _leave(self) -> None:
        await super()._leave()
        shutil.rmtree(self._sockets, ignore_errors=True)

    def deliver(self, user: str, *mails: bytes, folder: str = "") -> None:
        """Put mails into a mailbox, as a mail server does: written aside, then moved."""
        box = self._box(user, folder)
        for mail in mails:
            self._delivered += 1
            name = f"{1_700_000_000 + self._delivered}.M{self._delivered}.host"
            (box / "tmp" / name).write_bytes(mail)
            if os.geteuid() == 0:
                shutil.chown(box / "tmp" / name, "nobody", "nogroup")
            (box / "tmp" / name).rename(box / "new" / name)

    def seen(self, user: str, folder: str = "") -> int:
        """How many mails of a mailbox are marked as seen."""
        files = [file.name for file in (self._box(user, folder) / "cur").iterdir()]
        return sum(1 for name in files if re.search(r":2,[A-Z]*S", name))

    def _box(self, user: str, folder: str) -> Path:
        box = self.directory / "mail" / user / (f".{folder}" if folder else "")
        for part in ("new", "cur", "tmp"):
            (box / part).mkdir(parents=True, exist_ok=True)
        if os.geteuid() == 0:
            for place in (self.directory / "mail", box.parent, box, *box.iterdir()):
                shutil.chown(place, "nobody", "nogroup")
        return box
