"""Arithmetic over facts and a workload: what a host would need, what it has, and what breaks first.

Pure: it knows no file and no connection. Every formula names its source, and every assumption is said.
"""
