"""One part of Tongban in the foreground: `python -m app.stack.part web|worker|beat|sandbox|migrate`.

`make run`, `make worker` and so on. It takes the settings of the demo in this clone, and what the environment holds
wins over them; with neither there is a sentence. It becomes the part by exec, so signals reach it unhindered.
"""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

from app.stack import house, recipe, surroundings

NAMES = {"run": "web"}  # `make run` serves the web


def _become(part: str, settings: Mapping[str, str]) -> NoReturn:
    os.chdir(surroundings.ROOT)
    words = house.command(part, settings)
    os.execve(words[0], words, house.environment(settings))  # noqa: S606  (becoming the part, without a shell)


def main(arguments: list[str]) -> int:
    part = NAMES.get(arguments[0], arguments[0]) if arguments else ""
    if part not in house.COMMANDS:
        sys.stderr.write(f"which part? one of {', '.join(house.COMMANDS)}\n")
        return 2
    settings = recipe.read() | surroundings.application_variables()
    if "DATABASE_URL" not in settings:
        sys.stderr.write("there are no settings yet: run make demo once, or set those of docs/deploying.md\n")
        return 1
    settings.setdefault("TB_VAR_DIR", str(recipe.DEMO))
    _become(part, settings)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
