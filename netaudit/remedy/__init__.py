"""What would put a host right, as data: operations, plans, the guard's table, and the shell text that hosts run.

Nothing here touches a host, a file or a clock: ``app`` drives it, ``transport`` carries it.
"""
