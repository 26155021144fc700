"""What a command was asked: its options, and what becomes of them before any host is contacted."""
