"""Fixtures of the gateway's tests."""

from tests.support.gateway_fixtures import citizen, gateway_app, gateway_world, personal, plain, proved, trust, upstream

__all__ = ["citizen", "gateway_app", "gateway_world", "personal", "plain", "proved", "trust", "upstream"]
