"""The commands that read hosts and change nothing."""
