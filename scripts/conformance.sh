#!/bin/sh
# Runs mediasoup's own test suites, as npm has them, against the worker, and compares with the lists of tests that pass (conformance/*.txt):
#   conformance.sh [-u] [version...]     default: 3.27.1 3.19.3 3.14.16; -u rewrites the lists
# A test that is lost fails; one that is gained is told. WORKER is the binary; without it bin/worker is built.
# The suites test the control plane: they move data messages over SCTP, and no media. The worker's own tests do that.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
update=
[ "${1:-}" != -u ] || { update=-u; shift; }
[ $# -gt 0 ] || set -- 3.27.1 3.19.3 3.14.16
if [ -z "${WORKER:-}" ]; then
	(cd "$here/.." && CGO_ENABLED=0 "${GO:-go}" build -trimpath -o bin/worker ./cmd/worker)
	WORKER=$here/../bin/worker
fi
MEDIASOUP_WORKER_BIN=$(readlink -f "$WORKER")
export MEDIASOUP_WORKER_BIN
unset MEDIASOUP_VERSION

jest() { # results, more arguments
	out=$1
	shift
	npx jest --silent --forceExit -w 1 --json --outputFile="$out" "$@" >"$out.log" 2>&1 || true
}

status=0
for version; do
	dir=$("$here/mediasoup.sh" suite "$version")
	list=$here/conformance/$version.txt
	cd "$dir"
	rm -f first.json again.json
	jest first.json
	# Every test has two seconds. On a machine that is busy some need more: what failed has another try, and the summary says so.
	failed=$(node "$here/conformance/compare.cjs" failed first.json)
	if [ -n "$failed" ]; then
		# shellcheck disable=SC2086
		jest again.json $failed
	fi
	node "$here/conformance/compare.cjs" compare "$version" "$list" $update first.json again.json || status=1
	node "$here/conformance/concurrent.cjs" "$dir" || status=1
done
exit $status
