"""Assurance levels and the methods that reach them: names, validity, limits. Plain data; identity gives it meaning."""

from typing import Final, NamedTuple

DAY_S: Final = 24 * 3600


class Level(NamedTuple):
    """A level's name as citizens read it."""

    zh: str
    en: str


class Method(NamedTuple):
    """A way to prove something. `needs`: the level to stand on first. No `consent`: not online, `text` says where.

    `valid_for_s`: how long its evidence counts at all; a service may ask for less.
    """

    level: int
    needs: int
    consent: str | None
    valid_for_s: int
    zh: str
    en: str
    text_zh: str = ""
    text_en: str = ""

    @property
    def online(self) -> bool:
        return self.consent is not None


REAL_NAME: Final = 2
REAL_PERSON: Final = 3  # the level that says who holds the phone

LEVELS: Final[dict[int, Level]] = {
    0: Level("访客", "visitor"),
    1: Level("已登录", "signed in"),
    2: Level("已实名", "real name checked"),
    3: Level("已实人认证", "real person checked"),
}

# In the order in which they are offered. Face is never the only way (face measures, art. 10): the counter is beside it.
METHODS: Final[dict[str, Method]] = {
    "real_name": Method(2, 1, "real_name", 3 * 365 * DAY_S, "实名核验", "name and id number"),
    "face": Method(3, 2, "face", 365 * DAY_S, "人脸核验", "face check"),
    "counter": Method(
        3, 1, None, 365 * DAY_S, "窗口核验", "at a counter",
        "不方便刷脸？请携带身份证到就近的政务服务大厅窗口核验。",
        "Prefer not to use your face? Take your id card to the nearest government service counter.",
    ),
}  # fmt: skip

PASS_LIVES_S: Final = 600  # a pass is turned into evidence or into its one act within this time, or never
FLOW_LIVES_S: Final = 3600  # longest life of a verification that the provider does not end earlier
GUARDIAN_BELOW: Final = 14  # PIPL art. 31: younger needs a guardian's consent

# security.md V5: failures counted durably, and questions in flight with them.
ACCOUNT_FAILURES: Final = 5
ACCOUNT_WINDOW_S: Final = 6 * 3600
TARGET_FAILURES: Final = 5
TARGET_WINDOW_S: Final = DAY_S
# A second identity on one account is a typo or a parent's phone; a third in a day is somebody trying pairs.
IDENTITIES_PER_DAY: Final = 2
# A question whose worker died no longer counts as in flight after this.
ASKING_LIVES_S: Final = 120
# Real-name answers leave on a fixed grid, so that their time tells nothing of what the authority thought.
ANSWER_GRID_S: Final = 0.25

POLL_FIRST_S: Final = 20.0  # the citizen needs that long in front of the camera
POLL_CHECK_S: Final = 2.0
POLL_MOST_S: Final = 60.0
