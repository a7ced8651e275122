#!/bin/sh
# Runs the kept benchmarks. Each figure that matters has its floor in the same run: read the ratio, not the time.
set -eu
exec "${GO:-go}" test -run '^$' -bench . -benchmem -benchtime "${BENCHTIME:-1s}" ./pkg/...
