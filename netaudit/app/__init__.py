"""Use cases: what a command does, told in terms of ports and pure rooms. Knows no adapter by name."""
