#!/bin/sh
# Fuzzes every target of the module for FUZZTIME each (default 20s) and counts what they saw.
# Usage: scripts/fuzz.sh [time] [pattern]     only targets of which "directory Target" matches the extended regular expression
#        scripts/fuzz.sh --keep [pattern]     copies from Go's cache into testdata/fuzz/<Target> what reaches code that the seeds and
#                                             the kept inputs do not, the smallest first: at most KEEPFILES (50) files and KEEPBYTES (65536)
# FUZZPARALLEL (default 2) is the number of worker processes. A crash ends in exit 1 and the path of the input, which stays in testdata.
set -eu
go=${GO:-go}
keep=
[ "${1:-}" = --keep ] && keep=yes && shift || time=${1:-20s}
[ -z "$keep" ] && [ $# -gt 0 ] && shift
pattern=${1:-.}
cache=$("$go" env GOCACHE)/fuzz
module=$("$go" list -m)
mkdir -p bin
work=$(mktemp -d "$PWD/bin/fuzz.XXXXXX") # within the module, where tests that build something expect to be
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
root=$PWD

# names lists "directory Target", those of a package together.
names() {
	grep -r -o --include='*_test.go' --exclude-dir=node_modules '^func Fuzz[A-Za-z0-9_]*' cmd pkg proto scripts |
		sed -E 's|/[^/]*_test\.go:func | |' | sort -u | grep -E -- "$pattern" || true
}

# fuzz runs a target in its directory and appends its line to the log.
fuzz() {
	before=$(ls "$cache/$module/$1/$2" 2>/dev/null | wc -l)
	if (cd "$1" && "$work/bin" -test.run '^$' -test.fuzz "^$2\$" -test.fuzztime "$time" -test.parallel "${FUZZPARALLEL:-2}" \
		-test.fuzzminimizetime 100x -test.fuzzcachedir "$cache/$module/$1") >"$work/out" 2>&1; then
		crash=0
	# The engine's own deadline, when it meets a slow input in its last moment, is no crash: there is no input to show.
	elif grep -q 'context deadline exceeded' "$work/out" && ! grep -q 'Failing input' "$work/out"; then
		crash=0
	else
		crash=1
		cat "$work/out"
	fi
	after=$(ls "$cache/$module/$1/$2" 2>/dev/null | wc -l)
	execs=$(grep -o 'execs: [0-9]*' "$work/out" | tail -1 | cut -c8-)
	elapsed=$(grep -o 'elapsed: [0-9hms]*, execs' "$work/out" | tail -1 |
		sed -E 's/elapsed: (([0-9]+)h)?(([0-9]+)m)?(([0-9]+)s)?, execs/\2 \4 \6/; s/^ /0 /; s/  / 0 /' | awk '{ if (NF == 3) print $1 * 3600 + $2 * 60 + $3; else print $NF }')
	echo "$1 $2 ${execs:-0} ${elapsed:-0} $((after - before)) $crash" >>"$work/log"
	printf '%-16s %-32s %10d executions %8d/s %5d new\n' "$1" "$2" "${execs:-0}" "$((${execs:-0} / (${elapsed:-0} + (${elapsed:-0} == 0))))" "$((after - before))"
	[ $crash = 0 ] || grep -o 'testdata/fuzz/[A-Za-z0-9_/-]*' "$work/out" | sort -u | sed "s|^|crash: $1/|"
}

# covered prints the blocks of code that the named inputs of a target reach: "^FuzzX$" means all, "^FuzzX$/^name$" one.
covered() {
	"$work/bin" -test.run "$1" -test.coverprofile "$work/profile" >"$work/out" 2>&1 || { cat "$work/out"; return 1; }
	awk '$NF > 0 { print $1 }' "$work/profile"
}

# copy keeps the inputs of a target that reach something new.
copy() {
	kept=$1/testdata/fuzz/$2
	found=$cache/$module/$1/$2
	[ -d "$found" ] || return 0
	rm -rf "$work/run" && mkdir -p "$work/run/testdata/fuzz"
	# The binary runs beside copies: what the package keeps already, and one more input at a time.
	[ -d "$1/testdata" ] && cp -r "$1/testdata" "$work/run/"
	mkdir -p "$work/run/testdata/fuzz/$2"
	cd "$work/run"
	covered "^$2\$" | sort -u >"$work/seen"
	files=$(ls "testdata/fuzz/$2" | wc -l)
	bytes=$(cat "testdata/fuzz/$2"/* 2>/dev/null | wc -c)
	added=0
	for input in $(ls -rS "$found"); do
		size=$(wc -c <"$found/$input")
		[ $files -lt "${KEEPFILES:-50}" ] && [ $((bytes + size)) -le "${KEEPBYTES:-65536}" ] || break
		[ -e "testdata/fuzz/$2/$input" ] && continue
		cp "$found/$input" "testdata/fuzz/$2/$input"
		if covered "^$2\$/^$input\$" | sort -u >"$work/reached" && [ -n "$(comm -13 "$work/seen" "$work/reached")" ]; then
			sort -u "$work/seen" "$work/reached" -o "$work/seen"
			mkdir -p "$root/$kept" && cp "$found/$input" "$root/$kept/$input"
			files=$((files + 1)) bytes=$((bytes + size)) added=$((added + 1))
		else
			rm "testdata/fuzz/$2/$input"
		fi
	done
	cd "$root"
	printf '%-16s %-32s %4d files, %6d bytes, %3d of them new\n' "$1" "$2" "$files" "$bytes" "$added"
}

names >"$work/names"
: >"$work/log"
built=
while read -r dir target; do
	if [ "$dir" != "$built" ]; then
		# One binary serves all targets of a package. Only our code is instrumented, and the parsers we rely on: with -fuzz the standard
		# library would be too, which clears and compares ten times as many counters for each input.
		if [ -n "$keep" ]; then
			flags="-cover -coverpkg ./pkg/...,./proto/..."
		else
			flags="-gcflags=$module/...=-d=libfuzzer -gcflags=github.com/pion/dtls/v2/pkg/protocol/...=-d=libfuzzer -gcflags=github.com/pion/sctp=-d=libfuzzer"
		fi
		built=$dir broken=
		# shellcheck disable=SC2086
		"$go" test -c $flags -o "$work/bin" "./$dir" >"$work/out" 2>&1 || broken=yes
	fi
	if [ -n "$broken" ]; then
		echo "$dir $target 0 0 0 1" >>"$work/log"
		echo "$dir $target does not build"
		cat "$work/out"
		continue
	fi
	if [ -n "$keep" ]; then copy "$dir" "$target"; else fuzz "$dir" "$target"; fi
done <"$work/names"
[ -n "$keep" ] && exit 0

awk '{ n += $3; m++; c += $6; new += $5 }
	END { printf "%d executions over %d targets, %d new inputs in the cache, %d crashes\n", n, m, new, c; exit c > 0 }' "$work/log"
