"""Frozen values shared by all rooms. Imports nothing but errors and units, does nothing but hold."""
