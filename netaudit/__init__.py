"""Fleet-wide audit and guarded remediation of Linux network tuning, over plain SSH."""

__version__ = "0.1.0"
