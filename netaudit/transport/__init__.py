"""Ways to reach a host and run one payload there: asyncssh, paramiko, the local machine, a stored capture.

A room of edges. Each adapter fits the ports of ``app`` by shape and maps every foreign exception to a WorldError;
none of them knows what the payload asks or what the answer means.
"""
