"""How upstreams can be spoken to: signing schemes and credentials by the names a manifest may use.

A manifest names a credential and never holds one. A new scheme is a file in app/platforms/schemes and a row here.
"""

from collections.abc import Callable, Mapping
from typing import Final

from app.platforms.schemes.base import Credential, UpstreamScheme
from app.platforms.schemes.tif import TIF
from config.settings import get_settings


def _province() -> Credential:
    settings = get_settings()
    return Credential(settings.province_paas_id, settings.province_paas_token.get_secret_value())


SCHEMES: Final[Mapping[str, UpstreamScheme]] = {"tif": TIF}
CREDENTIALS: Final[Mapping[str, Callable[[], Credential]]] = {"province": _province}
