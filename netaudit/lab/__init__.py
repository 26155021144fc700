"""A fleet of real sshd hosts in network namespaces on this machine: for the demo, the tests and the benchmarks.

Each host has its own network namespace with a veth and an address of 198.18.0.0/15 (RFC 2544), its own sshd and host
key, hostname, process space and /etc/sysctl.d. Some are misconfigured on purpose. Needs root.
"""

from netaudit.lab.fleet import Lab, LabStatus
from netaudit.lab.plan import Fault, HostPlan, plan_hosts

__all__ = ["Fault", "HostPlan", "Lab", "LabStatus", "plan_hosts"]
