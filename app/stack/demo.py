"""`make demo`: everything from nothing on one machine, the main job walked through, then served on.

Order: servers, schema, the platforms' stand-ins, the web, the worker and beat, each a real process under the
supervisor; then the walk as a separate program that speaks to them over HTTP only. Also `make servers` (--servers)
and `make faults` (--faults). Never used in production.
"""

import argparse
import fcntl
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import FrameType

from app.stack import house, places, ports, postgres, recipe, redis
from app.stack.errors import StackError
from app.stack.supervisor import Child, Supervisor
from app.stack.surroundings import ROOT, VAR, Given, given

DEMO = recipe.DEMO
PROCESSES = DEMO / "processes.json"
SIGN_INS = DEMO / "sign-ins.txt"  # written by the walk, which makes the demo's people
PROGRAMS = {"walk": "handlers.cli.walk", "faults": "handlers.cli.faults"}


class Stopped(BaseException):
    """A signal asked us to leave; no error, so nothing that catches errors may hold it up."""


def _on_signal(number: int, _frame: FrameType | None) -> None:
    raise Stopped(number)


def say(text: str) -> None:
    print(text, flush=True)


@contextmanager
def alone() -> Iterator[None]:
    """Hold the demo's lock: two in one folder would take each other's servers for a crashed run's."""
    DEMO.mkdir(parents=True, exist_ok=True)
    DEMO.chmod(0o711)  # the servers' account walks through; nobody else lists it
    with (DEMO / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise StackError(
                "a demo is already running in this folder: use it, or stop it first (Ctrl-C where it runs).",
            ) from None
        yield


def embedded(given_servers: Mapping[str, str]) -> tuple[list[Child], dict[str, str], postgres.Postgres | None]:
    """The servers to start, the addresses of all, and the PostgreSQL that needs its roles made."""
    account = places.server_account()
    root = places.servers_root(VAR, account)
    tools, home = root / "tools", root / "demo"
    children: list[Child] = []
    addresses = dict(given_servers)
    database = None
    if "DATABASE_URL" not in given_servers:
        database = postgres.prepare(home / "postgres", postgres.find(tools), account=account)
        children.append(database.child())
        addresses["DATABASE_URL"] = database.url(postgres.APP)
        addresses["DATABASE_OWNER_URL"] = database.url(postgres.OWNER)
        addresses["DATABASE_AUDITOR_URL"] = database.url(postgres.AUDITOR)
    if "REDIS_URL" not in given_servers:
        cache = redis.prepare(home / "redis", redis.find(tools), account=account)
        children.append(cache.child())
        addresses["REDIS_URL"], addresses["BROKER_URL"] = cache.url(), cache.broker_url()
    return children, addresses, database


def migrate(settings: Mapping[str, str]) -> None:
    command, env = house.command("migrate", settings), house.environment(settings)
    done = subprocess.run(command, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise StackError(f"the database's schema could not be made:\n{done.stdout}{done.stderr}")


def run_program(name: str, settings: Mapping[str, str]) -> int:
    """The walk or the fault runner, with this terminal as its screen; gives its exit status."""
    command = [sys.executable, "-m", PROGRAMS[name], "--processes", str(PROCESSES)]
    program = subprocess.Popen(command, cwd=ROOT, env=house.environment(settings))
    try:
        return program.wait()
    finally:
        if program.poll() is None:
            program.terminate()
            program.wait()


def addresses_text(told: Given) -> str:
    public, internal = f"http://127.0.0.1:{told.http_port}", f"http://127.0.0.1:{told.internal_port}"
    sandbox = f"http://127.0.0.1:{told.sandbox_port}"
    rows = [
        ("公开接口 public API", public),
        ("接口文档 API documentation", f"{internal}/docs/"),
        ("健康与指标 readiness, metrics", f"{internal}/readyz  {internal}/metrics"),
        ("平台沙箱与手机页 stand-ins, phone page", f"{sandbox}/"),
        ("日志 logs", str((DEMO / "logs").relative_to(ROOT))),
        ("设置 settings", str(recipe.SETTINGS.relative_to(ROOT))),
    ]
    lines = [f"  {label}: {value}" for label, value in rows]
    signs = SIGN_INS.read_text(encoding="utf-8").splitlines() if SIGN_INS.is_file() else []
    return "\n".join(["", *lines, *(f"  {line}" for line in signs), ""])


def run(told: Given, *, only_servers: bool, program: str) -> int:
    """Bring all up, run the program, serve on; gives the exit status."""
    started = time.monotonic()
    listening = {"HTTP_PORT": told.http_port, "INTERNAL_PORT": told.internal_port, "SANDBOX_PORT": told.sandbox_port}
    if not only_servers:
        ports.refuse_taken(listening)
    say("启动数据库与缓存 PostgreSQL, Redis ...")
    children, addresses, database = embedded(told.servers)
    settings = recipe.settings(told, addresses)
    with Supervisor(children, logs=DEMO / "logs", processes=PROCESSES) as stack:
        if database is not None:
            database.furnish()
        migrate(settings)
        if not only_servers:
            say("启动沙箱、网站、任务 sandbox, web, worker, beat ...")
            stack.add(house.children(settings))
        say(f"就绪 ready after {time.monotonic() - started:.1f} s")
        return _serve(told, settings, only_servers=only_servers, program=program)


def _serve(told: Given, settings: Mapping[str, str], *, only_servers: bool, program: str) -> int:
    status = 0 if only_servers else run_program(program, settings)
    if told.once or program == "faults":
        return status
    say(f"  {settings['DATABASE_URL']}\n  {settings['REDIS_URL']}" if only_servers else addresses_text(told))
    say("运行中，按 Ctrl-C 停止。 Serving on; Ctrl-C stops.")
    while True:
        signal.pause()


def main(arguments: Sequence[str]) -> int:
    options = argparse.ArgumentParser(prog="python -m app.stack.demo", description=__doc__)
    options.add_argument("--servers", action="store_true", help="only PostgreSQL and Redis")
    options.add_argument("--faults", action="store_true", help="run the fault runner instead of the walk, then leave")
    chosen = options.parse_args(arguments)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, _on_signal)
    try:
        with alone():
            return run(given(), only_servers=chosen.servers, program="faults" if chosen.faults else "walk")
    except StackError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except Stopped as stopped:
        say("停止了。 Stopped.")
        return 0 if stopped.args[0] == signal.SIGINT else 128 + int(stopped.args[0])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
