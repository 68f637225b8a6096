"""The province as one object, found by app/platforms/registry.py. Implements base.Province; stateless."""

from typing import Final

from app.platforms.base import Province
from app.platforms.province.cases import Cases
from app.platforms.province.catalogue import Catalogue
from app.platforms.province.identity import Identity


class ProvinceAuthority(Identity, Catalogue, Cases):
    """Identity, catalogue and cases of one provincial platform."""


AUTHORITY: Final[Province] = ProvinceAuthority()
