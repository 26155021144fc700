"""Facts: from what the probes printed to typed values with units. Pure: sections in, values out.

Knows the formats of the kernel and of the tools that the probes call. Knows nothing of hosts, files, time or rules.
"""
