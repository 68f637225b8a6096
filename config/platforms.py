"""Which outside systems are switched on, and the vendors' documented base URLs.

The URLs stand here once, as production defaults; the demo and the tests point the settings at the sandbox instead,
so no code path outside production ever names a real host.
"""

from typing import Final

# WeChat server API, "开发前必读": https only, one host for every call.
WECHAT_BASE_URL: Final = "https://api.weixin.qq.com"

# A province has its own gateway; there is no default that could be right.
PROVINCE_BASE_URL: Final = ""

# channel -> module that answers for it. A third channel is a folder in app/platforms and a row here.
CHANNELS: Final[dict[str, str]] = {
    "wechat": "app.platforms.wechat",
}

# capability -> module, for the systems that are not channels.
AUTHORITIES: Final[dict[str, str]] = {
    "province": "app.platforms.province",
}

# Paths under /callbacks/<platform>/<app>; each folder brings its own verify().
CALLBACKS: Final[dict[str, str]] = {
    "wechat": "app.platforms.wechat.callbacks",
    "province": "app.platforms.province.callbacks",
}

# platform -> module with `stand_in(bench) -> Blueprint`: what the sandbox mounts. Read by app/sandbox only.
STAND_INS: Final[dict[str, str]] = {
    "wechat": "app.platforms.wechat.sandbox",
    "province": "app.platforms.province.sandbox",
}
