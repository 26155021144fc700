"""What may stand at the cursor: completion for the shells."""
