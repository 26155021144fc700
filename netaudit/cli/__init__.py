"""The command line: options, wiring, console, exit codes. The only room that knows every other."""
