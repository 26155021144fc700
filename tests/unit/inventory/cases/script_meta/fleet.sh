#!/bin/sh
[ "$1" = --list ] || exit 9
cat <<'END'
{"web": {"hosts": ["w1", "w2"], "vars": {"port": 80, "list": [1, null]}, "children": ["cache"]},
 "db": ["d1"],
 "cache": {"hosts": [], "vars": {"ansible_group_priority": 3}},
 "loner": {"ttl": 5},
 "all": {"vars": {"domain": "example.net", "tmpl": "{{ x }}"}},
 "_meta": {"hostvars": {"w1": {"port": 81, "u": {"__ansible_unsafe": "{{ y }}"}}, "ghost": {"x": 1}}}}
END
