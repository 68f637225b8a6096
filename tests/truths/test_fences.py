"""Things that may happen in one place only: the SDK, outgoing HTTP, the environment, the clock."""

import ast
from collections.abc import Iterator

import pytest

from tests.support.source import Module, imports, module, modules

# what is fenced -> where it may stand
IMPORTS = {
    "wechatpy": {"app.platforms.wechat.sdk"},
    "requests": {"app.core.http", "app.core.wire", "app.platforms.wechat.sdk"},
    "urllib3": {"app.core.http", "app.core.wire", "app.core.egress"},
    "urllib.request": {"app.stack"},
    # The sandbox calls us as a platform would, the walk as a phone would: neither may lean on our own client.
    "http.client": {"app.core.wire", "app.stack", "app.sandbox", "app.platforms.wechat.stand_in", "handlers.cli.walk"},
    "socket": {"app.core", "app.stack", "app.sandbox"},
    "pickle": set(),
    "xml": {
        "app.platforms.wechat.xmlguard",
        "app.platforms.wechat.sdk",
    },  # types and errors; defusedxml does the reading
    "random": {"app.sandbox"},  # secrets and os.urandom everywhere else
}
# prometheus_client is configured by a variable of its own, which gunicorn's file sets and the metrics module looks at.
_METRICS = {"app.core.metrics", "config.gunicorn"}
CALLS = {
    ("os", "environ"): {"app.stack"} | _METRICS,
    ("os", "getenv"): {"app.stack"},
    ("os", "environb"): {"app.stack"},
    ("getpass", "getuser"): {"app.stack"},  # it asks LOGNAME and USER first
    ("datetime", "now"): {"app.core.clock"},
    ("datetime", "utcnow"): set(),
    ("datetime", "today"): set(),
    ("date", "today"): set(),
    # Seconds since the epoch have no zone to get wrong; wire formats are full of them.
    ("time", "time"): {"app.core", "app.platforms", "app.sandbox", "app.stack", "handlers.cli.walk"},
}


def allowed(name: str, places: set[str]) -> bool:
    return any(name == place or name.startswith(f"{place}.") for place in places)


def strays(one: Module) -> Iterator[str]:
    for target, node in imports(one):
        for fenced, places in IMPORTS.items():
            if (target == fenced or target.startswith(f"{fenced}.")) and not allowed(one.name, places):
                yield f"{one.path}:{node.lineno} imports {target}"
    for node in ast.walk(one.tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            places = CALLS.get((node.value.id, node.attr))
            if places is not None and not allowed(one.name, places):
                yield f"{one.path}:{node.lineno} uses {node.value.id}.{node.attr}"


def test_nothing_is_outside_its_fence():
    assert [line for one in modules() for line in strays(one)] == []


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("identity.login", "import wechatpy"),
        ("app.platforms.wechat.client", "from wechatpy.client import WeChatClient"),
        ("handlers.gateway.road", "import requests"),
        ("identity.login", "import os\nos.environ['X']"),
        ("config.platforms", "import os\nos.getenv('X')"),
        ("identity.staff", "from datetime import datetime\ndatetime.now()"),
        ("handlers.cases.clocks", "import time\ntime.time()"),
    ],
)
def test_a_planted_stray_is_found(name, text):
    assert list(strays(module(name, text)))


def test_the_environment_is_read_by_one_class():
    readers = [one.name for one in modules() if "BaseSettings" in one.text]
    assert readers == ["config.settings"]
