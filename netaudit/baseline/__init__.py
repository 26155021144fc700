"""Rules: checks and baselines as typed data, expressions over facts, and the evaluation of one against the other.

Pure: rules come in as nodes with places, facts as values, the time as an argument; results go out. Knows nothing of
files, hosts, inventories or reports.
"""
