"""What /proc says: CPU time of a process group, memory of each process, and what the rest of the machine is doing.

A group is a program and everything that descends from it. Sessions would not do: each PostgreSQL backend leads its own.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

PROC = Path("/proc")
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
# Fields of /proc/<pid>/stat after the closing parenthesis of the name (proc(5)), counted from 0.
PARENT, USER, SYSTEM, CHILD_USER, CHILD_SYSTEM = 1, 11, 12, 13, 14


@dataclass(frozen=True)
class Memory:
    """One process; KiB."""

    pid: int
    command: str
    rss_kib: int
    pss_kib: int


def stat_of(text: str) -> list[str]:
    """The fields after the name, which may itself hold blanks and parentheses."""
    return text.rpartition(")")[2].split()


def _stats() -> dict[int, list[str]]:
    found = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            try:
                found[int(entry.name)] = stat_of((entry / "stat").read_text(encoding="latin-1"))
            except (FileNotFoundError, ProcessLookupError):  # it ended while we looked
                continue
    return found


def leader_of(pid: int, parents: Mapping[int, int], leaders: Collection[int]) -> int | None:
    """The nearest of `leaders` among a process and its ancestors."""
    while pid and pid not in leaders:
        pid = parents.get(pid, 0)
    return pid or None


def cpu_s(leaders: Collection[int]) -> dict[int, float]:
    """Seconds of CPU each group has used since it began, user and system, with children that have ended."""
    stats = _stats()
    parents = {pid: int(fields[PARENT]) for pid, fields in stats.items()}
    used = dict.fromkeys(leaders, 0.0)
    for pid, fields in stats.items():
        leader = leader_of(pid, parents, leaders)
        if leader is not None:
            used[leader] += sum(int(fields[at]) for at in (USER, SYSTEM, CHILD_USER, CHILD_SYSTEM)) * TICK_S
    return used


def own_cpu_s() -> float:
    """This process alone: what it started is counted by `cpu_s`."""
    times = os.times()
    return times.user + times.system


def busy_s() -> float:
    """Seconds of CPU the whole machine has used, idle and waiting left out."""
    fields = (PROC / "stat").read_text(encoding="ascii").splitlines()[0].split()[1:]
    user, nice, system, _idle, _wait, irq, softirq, steal = (int(field) for field in fields[:8])
    return (user + nice + system + irq + softirq + steal) * TICK_S


def memory(leader: int) -> list[Memory]:
    """Every process of the group, the leader first."""
    parents = {pid: int(fields[PARENT]) for pid, fields in _stats().items()}
    pids = sorted(pid for pid in parents if leader_of(pid, parents, {leader}) == leader)
    return [found for pid in pids if (found := _memory(pid)) is not None]


def _memory(pid: int) -> Memory | None:
    try:
        rollup = (PROC / str(pid) / "smaps_rollup").read_text(encoding="ascii").splitlines()
        command = (PROC / str(pid) / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return None
    kib = {line.split()[0]: int(line.split()[1]) for line in rollup[1:]}
    return Memory(pid, command.strip(), kib.get("Rss:", 0), kib.get("Pss:", 0))
