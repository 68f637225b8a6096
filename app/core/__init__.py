"""The cellar: what every room stands on. Imports only config."""
