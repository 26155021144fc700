"""Where reports go, and what a person sees while hosts are at work."""
