"""What the bench says: a table on the screen, everything in bench/results.json, and the goals with what was reached."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.contenders import CONTENDERS, OURS
from bench.rounds import Measured, ratios, spread

RESULTS = Path(__file__).with_name("results.json")
LINE = "-" * 120
MOST_SHOWN = 6  # processes named one by one


@dataclass(frozen=True)
class Goal:
    """A ratio inside each round that is to be at least `wanted` in the median."""

    title: str
    above: str
    below: str
    figure: str
    wanted: float


GOALS = (
    Goal("req/s, Tongban : FastAPI + httpx", OURS, "httpx", "requests_s", 2.0),
    Goal("CPU a request, naive Flask : Tongban", "naive", OURS, "cpu_us", 2.0),
)
# Shown without a goal of this issue.
SHOWN = (
    Goal("req/s, Tongban : FastAPI + aiohttp", OURS, "aiohttp", "requests_s", 0.0),
    Goal("req/s, Tongban : naive Flask", OURS, "naive", "requests_s", 0.0),
    Goal("CPU a request, FastAPI + httpx : Tongban", "httpx", OURS, "cpu_us", 0.0),
    Goal("CPU a request, FastAPI + aiohttp : Tongban", "aiohttp", OURS, "cpu_us", 0.0),
)


def judged(made: Sequence[Measured], goals: Sequence[Goal]) -> list[dict[str, Any]]:
    """Each goal with the spread of its ratio and whether its median is reached; None where one was not timed."""
    rows: list[dict[str, Any]] = []
    for goal in goals:
        found = ratios(made, goal.above, goal.below, goal.figure)
        ratio = spread(found) if found else None
        row: dict[str, Any] = {"title": goal.title, "wanted": goal.wanted, "ratio": asdict(ratio) if ratio else None}
        if goal.wanted:
            row["met"] = bool(ratio and ratio.median >= goal.wanted)
        rows.append(row)
    return rows


def round_line(one: Measured) -> str:
    marks = ("  噪声 noisy" if one.noisy else "") + ("" if one.clean else f"  错误答复 wrong answers {one.statuses}")
    return (
        f"  第 {one.round} 轮 {one.name:<8} {one.requests_s:8.0f} req/s"
        f"  p50 {one.p50_ms:6.1f}  p99 {one.p99_ms:6.1f} ms"
        f"  CPU {one.cpu_us:6.0f} us/req  load {one.load:4.1f}  foreign {one.foreign:4.0%}{marks}"
    )


def three(found: Mapping[str, float] | None, form: str = "9.0f") -> str:
    if found is None:
        return "not measured"
    return " / ".join(format(found[name], form) for name in ("min", "median", "max"))


def screen(results: Mapping[str, Any]) -> str:
    """The whole table."""
    lines = ["", LINE, "代理调用 the proxied call, min / median / max over the rounds", LINE]
    lines += _contender_rows(results)
    lines += ["", "比值 ratios inside each round, min / median / max"]
    lines += [_goal_row(row) for row in (*results["goals"], *results["ratios"])]
    lines += ["", "其他入口 other doors of Tongban: req/s; CPU us a request; p50 ms; p99 ms"]
    lines += [_door_row(row) for row in results["doors"]]
    lines += ["", "启动 start-up to ready, s: " + ", ".join(f"{n} {s:.1f}" for n, s in results["start_s"].items())]
    lines += ["内存 memory after load, MiB: RSS / PSS of each process"]
    lines += [_memory_row(name, rows) for name, rows in results["memory"].items()]
    return "\n".join(lines)


def _contender_rows(results: Mapping[str, Any]) -> list[str]:
    lines = [f"{'':<36} {'req/s':>29}  {'CPU us/req':>26}  {'p50 ms':>7} {'p99 ms':>7} {'Redis us':>8}"]
    for contender in CONTENDERS:
        found = results["summary"].get(contender.name)
        if found is None:
            failed = results["gate"].get(contender.name, {}).get("failures") or ["absent"]
            lines.append(f"{contender.title:<36} not measured: {failed[0]}")
            continue
        noise = f"  ({found['noisy_rounds']} noisy)" if found["noisy_rounds"] else ""
        lines.append(
            f"{contender.title:<36} {three(found['requests_s'], '7.0f'):>29}  {three(found['cpu_us'], '6.0f'):>26}  "
            f"{found['p50_ms']['median']:7.1f} {found['p99_ms']['median']:7.1f} "
            f"{found['redis_us']['median']:8.0f}{noise}"
        )
    return lines


def _goal_row(row: Mapping[str, Any]) -> str:
    goal = ""
    if row["wanted"]:
        goal = f"  目标 goal >= {row['wanted']:g}: {'达到 met' if row['met'] else '未达到 NOT met'}"
    return f"  {row['title']:<46} {three(row['ratio'], '6.2f')}{goal}"


def _door_row(row: Mapping[str, Any]) -> str:
    if "not_measured" in row:
        return f"  {row['title']:<52} not measured: {row['not_measured']}"
    return (
        f"  {row['title']:<52} {three(row['requests_s'], '.0f')}; {three(row['cpu_us'], '.0f')}; "
        f"{row['p50_ms']['median']:.1f}; {row['p99_ms']['median']:.1f}"
    )


def _memory_row(name: str, rows: Sequence[Mapping[str, Any]]) -> str:
    each = [f"{row['rss_kib'] / 1024:.0f} / {row['pss_kib'] / 1024:.0f}" for row in rows]
    shown = ", ".join(each) if len(each) <= MOST_SHOWN else f"{len(each)} processes"
    return f"  {name:<10} {shown}  (PSS together {sum(row['pss_kib'] for row in rows) / 1024:.0f})"


def write(results: Mapping[str, Any]) -> None:
    RESULTS.write_text(json.dumps(results, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
