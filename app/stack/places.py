"""Where the embedded servers may live, and as whom.

PostgreSQL refuses to run as root, so under root it gets another account, and that account must be able to walk to its
data and its binaries. A clone under /root is closed to everybody else; then a folder beside the system's other
temporary files is made once, written down in `var/`, and used from then on.

Called by postgres.py, redis.py, parcels.py's callers and the tests. Never deletes anything.
"""

import os
import pwd
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from app.stack.errors import StackError

# sun_path of Linux's sockaddr_un is 108 bytes with its closing zero; PostgreSQL's socket is the longest name we add.
SOCKET_PATH_MAX = 107
LONGEST_SOCKET_NAME = ".s.PGSQL.5432.lock"

# initdb looks its own uid up in the passwd file, so a bare number will not do. An account that exists for a database
# is the better one; `nobody` exists nearly everywhere.
SERVER_ACCOUNTS = ("tongban", "postgres", "nobody")


@dataclass(frozen=True)
class Account:
    """Whom a server runs as when we are root."""

    name: str
    uid: int
    gid: int


def server_account(euid: int | None = None) -> Account | None:
    """The account servers run under, or None when they run as ourselves (we are not root)."""
    if (os.geteuid() if euid is None else euid) != 0:
        return None
    for name in SERVER_ACCOUNTS:
        try:
            entry = pwd.getpwnam(name)
        except KeyError:
            continue
        return Account(name, entry.pw_uid, entry.pw_gid)
    raise StackError(
        "PostgreSQL does not run as root and this system has no account "
        f"named {', '.join(SERVER_ACCOUNTS)}: run as an ordinary user, or set DATABASE_URL.",
    )


def reachable(folder: Path, account: Account) -> bool:
    """Whether `account` can walk into `folder`; asked of the kernel, modes do not know of ACLs."""
    answer = subprocess.run(
        ["/bin/sh", "-c", 'test -x "$1"', "sh", str(folder)],
        user=account.uid,
        group=account.gid,
        extra_groups=[],
        cwd="/",
        check=False,
    )
    return answer.returncode == 0


def servers_root(var: Path, account: Account | None) -> Path:
    """The folder under which servers keep binaries and data: `var` itself wherever that works."""
    var.mkdir(parents=True, exist_ok=True)
    if account is None or reachable(var, account):
        return var
    note = var / "servers-live-at"
    return _noted(note) or _move_out(note)


def _noted(note: Path) -> Path | None:
    """The folder an earlier run wrote down, if it is still there and still ours alone to write."""
    if not note.is_file():
        return None
    folder = Path(note.read_text(encoding="utf-8").strip())
    if not folder.is_dir() or folder.is_symlink():
        return None
    state = folder.lstat()
    return folder if state.st_uid == os.geteuid() and not state.st_mode & 0o022 else None


def _move_out(note: Path) -> Path:
    # /var/tmp outlives a restart of the machine, /tmp often does not: the demo's data should be there tomorrow.
    lasting = Path("/var/tmp")  # noqa: S108  (mkdtemp below makes a fresh folder of its own in it)
    folder = Path(tempfile.mkdtemp(prefix="tongban-", dir=lasting if lasting.is_dir() else None))
    folder.chmod(0o711)
    note.write_text(f"{folder}\n", encoding="utf-8")
    return folder


def private_folder(folder: Path, account: Account | None) -> Path:
    """Make `folder` with mode 0700, owned by whoever the server runs as; its parents stay walkable for that one."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def socket_folder(home: Path, account: Account | None) -> Path:
    """A private folder whose socket paths fit the kernel's limit: `home/run`, else a short one noted in `home`."""
    folder = home / "run"
    if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) > SOCKET_PATH_MAX:
        note = home / "sockets-live-at"
        folder = _short_folder(note)
    return private_folder(folder, account)


def _short_folder(note: Path) -> Path:
    if note.is_file():
        folder = Path(note.read_text(encoding="utf-8").strip())
        if folder.is_dir() and not folder.is_symlink():
            return folder
    folder = Path(tempfile.mkdtemp(prefix="tb-"))
    if len(os.fsencode(folder / LONGEST_SOCKET_NAME)) > SOCKET_PATH_MAX:
        raise StackError(f"{folder.parent} is too long for a unix socket's path: set TMPDIR to a shorter folder.")
    note.write_text(f"{folder}\n", encoding="utf-8")
    return folder
