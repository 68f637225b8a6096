"""Machinery the fixtures of tests/conftest.py are made of; it holds no tests."""
