"""Defaults of the operator: files and variables, and where each value comes from."""
