"""What the terminal's environment gives to the machine room. The only module here that reads it.

`config/settings.py` is the reader for the application; the machine room runs before there are settings, and writes
them. Children get an environment made here, so that a stray variable of the terminal never steers a server.
"""

import os
from collections.abc import Mapping

# Enough for a program to be found, to find its libraries and to write Chinese; nothing that configures PostgreSQL
# (PG*), Python (PYTHON*) or pip.
PASSED_ON = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "TMPDIR", "TERM", "USER", "LOGNAME")


def bare_environment(environment: Mapping[str, str] | None = None) -> dict[str, str]:
    """The few variables every child may see."""
    given = os.environ if environment is None else environment
    return {name: given[name] for name in PASSED_ON if name in given}
