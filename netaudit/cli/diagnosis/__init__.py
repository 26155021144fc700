"""The command ``diagnose``: its samples, its traces, its reports."""
