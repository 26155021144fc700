#!/bin/sh
case "$1 $2" in
"--list ") echo '{"web": {"hosts": ["w1", "w2"]}, "db": {"hosts": ["w2", "d1"], "vars": {"k": "db"}}}' ;;
"--host w1") echo '{"a": 1, "ansible_host": "192.0.2.1"}' ;;
"--host w2") echo '{"a": 2, "k": null}' ;;
"--host d1") ;;
esac
