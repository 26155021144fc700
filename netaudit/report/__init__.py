"""Finished rows as text: the console's summary, JSON, a line a host, tables.

Functions here return strings or things to print; they open no files and know nothing of the network. Only the modules
named ``terminal…`` know rich, and nothing imports them but the command line.
"""
