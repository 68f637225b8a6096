"""The first thing every child of the supervisor runs: give up root, tie its life to its parent's, become the program.

Started as `python -I -S launch.py <parent pid> <signal> <uid> <gid> -- program args...` (uid -1: stay who we are).
It replaces itself by exec, so the child's pid is the program's pid. A `preexec_fn` would do the same, but running
Python between fork and exec of a process with threads can deadlock, and newer interpreters warn of it.

Imports the standard library only: it runs outside the environment's site-packages.
"""

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STAY = -1


def _give_up_root(uid: int, gid: int) -> None:
    if uid == STAY:
        return
    os.setgroups([])
    os.setgid(gid)
    os.setuid(uid)


def _die_with(parent: int, signal_number: int) -> None:
    """Ask the kernel for `signal_number` when the parent dies; after the uid change, which would clear the wish."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(PR_SET_PDEATHSIG, signal_number, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it died before we asked
        os._exit(1)


def main(arguments: list[str]) -> None:
    parent, signal_number, uid, gid = (int(word) for word in arguments[:4])
    program = arguments[5:]
    _give_up_root(uid, gid)
    _die_with(parent, signal_number)
    os.execvp(program[0], program)  # noqa: S606  (becoming the program, without a shell, is the whole task)


if __name__ == "__main__":
    main(sys.argv[1:])
