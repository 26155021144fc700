#!/bin/sh
# Installs from apt what is missing: packages.sh SUDO program:package ...
set -eu
sudo=$1
shift
PATH=$PATH:/usr/sbin:/sbin
missing=
for pair in "$@"; do
	command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -n "$missing" ] || exit 0
if ! command -v apt-get >/dev/null; then
	echo "missing:$missing (no apt-get here: install them by your own means)" >&2
	exit 1
fi
echo "installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086  # an empty sudo and a list of packages are meant to be split
{
	$sudo apt-get update -qq
	$sudo apt-get install -y -qq --no-install-recommends $missing
} >/dev/null
