"""The commands that change hosts, and those that undo it: plan, approval, batches, recovery."""
