"""Arithmetic over facts and a declared workload: what is required, what there is, and what breaks first."""
