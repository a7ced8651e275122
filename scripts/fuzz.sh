#!/bin/sh
# Runs every fuzz target of the module for the given time each, and prints how many inputs each one saw.
# Usage: scripts/fuzz.sh 20s
set -eu
time=${1:-20s}
go=${GO:-go}
status=0
for dir in $(grep -rl --include='*_test.go' '^func Fuzz' pkg proto cmd | xargs -n1 dirname | sort -u); do
	for target in $(grep -h -o '^func Fuzz[A-Za-z0-9_]*' "$dir"/*_test.go | cut -c6- | sort -u); do
		if out=$($go test "./$dir" -run '^$' -fuzz "^$target\$" -fuzztime "$time" 2>&1); then
			execs=$(echo "$out" | grep -o 'execs: [0-9]*' | tail -1)
			echo "$dir $target ${execs:-execs: ?}"
		else
			echo "$dir $target FAILED"
			echo "$out"
			status=1
		fi
	done
done
exit $status
