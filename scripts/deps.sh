#!/bin/sh
# Makes sure the named tools are there. As root on Debian it installs what is missing; elsewhere it says what to install.
# Usage: scripts/deps.sh node chromium ffmpeg python3 openssl
set -eu

missing=
for tool in "$@"; do
	case $tool in
	node) command -v node >/dev/null && command -v npm >/dev/null || missing="$missing nodejs npm" ;;
	coturn) command -v turnutils_uclient >/dev/null || missing="$missing coturn" ;; # its clients are what tests use
	*) command -v "$tool" >/dev/null || missing="$missing $tool" ;;
	esac
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
	echo "missing:$missing. Install it, on Debian: sudo apt-get install$missing" >&2
	exit 1
fi
echo "installing$missing"
export DEBIAN_FRONTEND=noninteractive
log=$(mktemp)
# shellcheck disable=SC2086 # a list of words
if ! { apt-get update && apt-get install -y --no-install-recommends $missing; } >"$log" 2>&1; then
	cat "$log" >&2
	rm -f "$log"
	exit 1
fi
rm -f "$log"
