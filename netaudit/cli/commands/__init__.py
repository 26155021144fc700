"""One module a command: ``parser()`` gives its options, ``run(args)`` does it and returns the exit code."""
