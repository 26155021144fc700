"""The command ``capacity``: its request, its run, its reports."""
