"""Counters of two moments of one host become ranked causes of loss, each with its evidence."""
