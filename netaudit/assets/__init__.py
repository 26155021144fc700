"""Finds what netaudit ships, probes and playbooks, and reads a user's own rule files. The door for YAML of rules."""
