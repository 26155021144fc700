"""The command ``watch``: the same audit again and again."""
