"""The causes by layer, each module a table of rules and the functions that judge them."""
