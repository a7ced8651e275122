#!/bin/sh
# Runs the kept benchmarks, BENCHTIME each (default 1s: about five minutes in all), and ends with the figures that are promised.
# A figure that depends on the machine stands beside its floor, measured in the same run: read the ratio, not the time.
# Usage: scripts/bench.sh [pattern]     only benchmarks whose names match
set -eu
go=${GO:-go}
time=${BENCHTIME:-1s}
pattern=${1:-.}
log=$(mktemp)
trap 'rm -f "$log"' EXIT

status=0
for dir in $(grep -rl --include='*_test.go' --exclude-dir=node_modules '^func Benchmark' cmd pkg | xargs -n1 dirname | sort -u); do
	"$go" test "./$dir" -run '^$' -bench "$pattern" -benchmem -benchtime "$time" >"$log.run" 2>&1 || status=1
	cat "$log.run" >>"$log"
	grep -E '^(Benchmark|---|FAIL|panic)' "$log.run" | sed "1i\\
\\
$dir" || true
done
[ "$pattern" = . ] && "$go" test ./cmd/worker -run Memory -v -count=1 >>"$log" 2>&1

echo
echo "figures (wanted: a ratio to the floor of at most 1.25; at least 8000 transports/s and 700 consumers/s; 100 MB/cpu-s of data without DTLS; idle at most 11 MB; at most 40 KB per transport;"
echo "TURN, CPU of the worker: at most 1.15 of a bare echo, 1500 ns per packet, 1100 to one peer, 4000 with 300 allocations; at least 20000 allocations/s, 200000 401s/s; at most 6000 bytes each)"
awk '
	/^BenchmarkForward/ {
		name = $1
		for (i = 2; i < NF; i++) {
			if ($(i + 1) == "cpu-ns/packet") ours = $i
			if ($(i + 1) == "floor-cpu-ns/packet") floor = $i
			if ($(i + 1) == "ratio") ratio = $i
		}
		printf "  %-58s %6.0f ns, floor %6.0f: %.2f\n", name, ours, floor, ratio
	}
	/(transports|consumers)\/s/ { for (i = 2; i < NF; i++) if ($(i + 1) ~ "^(transports|consumers)/s$") printf "  %-58s %6.0f %s\n", $1, $i, $(i + 1) }
	/^BenchmarkData(WebRTC)?\// {
		for (i = 2; i < NF; i++) {
			if ($(i + 1) == "MB/cpu-s") ours = $i
			if ($(i + 1) == "floor-MB/cpu-s") floor = $i
			if ($(i + 1) == "ratio") ratio = $i
		}
		printf "  %-58s %6.0f MB/cpu-s, floor %4.0f: %.2f\n", $1, ours, floor, ratio
	}
	/^BenchmarkTURN(\/|BesideCoturn\/|Refusals)/ {
		each = other = ratio = ""
		for (i = 2; i < NF; i++) {
			if ($(i + 1) ~ "^cpu-ns/(packet|401)$") each = $i
			if ($(i + 1) ~ "^(echo|coturn)-cpu-ns/packet$") other = $i
			if ($(i + 1) == "ratio") ratio = $i
		}
		if (ratio != "") printf "  %-58s %6.0f ns, %s %6.0f: %.2f\n", $1, each, $1 ~ /Coturn/ ? "coturn" : "bare echo", other, ratio
	}
	/^BenchmarkTURN(Allocations|Memory|Refusals)/ {
		for (i = 2; i < NF; i++) if ($(i + 1) ~ "allocation|401") printf "  %-58s %6.0f %s\n", $1, $i, $(i + 1)
	}
	/_test.go.*(KiB|bytes each)/ { sub(/^ *[a-z_]*.go:[0-9]*: /, ""); print "  " $0 }
' "$log"
rm -f "$log.run"
exit $status
