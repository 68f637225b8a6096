"""The ground floor. From `app` itself import only `create_app`; everything else from its own module."""

from app.factory import create_app

__all__ = ["create_app"]
