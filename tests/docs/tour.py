"""The READMEs' tour as one script. Used by the tests beside it; knows nothing of the application."""

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
ENGLISH, CHINESE = ROOT / "README.md", ROOT / "README.zh-CN.md"
BEGINS, ENDS = "<!-- tour -->", "<!-- tour ends -->"


def blocks(readme: Path) -> list[str]:
    """The shell blocks between the marks, in order."""
    text = readme.read_text(encoding="utf-8")
    told = text[text.index(BEGINS) : text.index(ENDS)]
    return re.findall(r"```sh\n(.*?)```", told, re.DOTALL)


def script(readme: Path, *, http_port: int, sandbox_port: int) -> str:
    """What a reader would paste, with these ports instead of the demo's."""
    text = "\n".join(blocks(readme))
    return text.replace("127.0.0.1:8800", f"127.0.0.1:{http_port}").replace(
        "127.0.0.1:8802", f"127.0.0.1:{sandbox_port}"
    )
