#!/bin/sh
# Installs what a version of mediasoup is tested with, from npm, and prints where: only its schema, or the library with its own tests.
#   mediasoup.sh schema 3.27.1     directory of the .fbs files
#   mediasoup.sh suite 3.27.1      directory with node_modules, where jest runs
# Nothing is installed twice. CACHE is where; default .cache in the repository.
set -eu
what=$1 version=$2
cache=${CACHE:-$(cd "$(dirname "$0")/.." && pwd)/.cache}/mediasoup
config=$(cd "$(dirname "$0")" && pwd)/conformance/jest.config.cjs
dir=$cache/$what-$version
mkdir -p "$cache"

# Whoever comes first installs; what is half done has another name.
schema() {
	(cd "$1" && npm pack --silent "mediasoup@$version" >/dev/null && tar xzf mediasoup-*.tgz package/worker/fbs package/package.json && rm mediasoup-*.tgz)
	mv "$1/package/worker/fbs"/*.fbs "$1"
	rm -r "$1/package"
}

suite() {
	sctp=werift-sctp@0.0.11
	case $version in 3.1[4-9].*) sctp=sctp@1 ;; esac
	(cd "$1" && npm init -y >/dev/null 2>&1 &&
		npm install --ignore-scripts --no-audit --no-fund --loglevel=error "mediasoup@$version" jest@30 pick-port@2 "$sctp" >&2)
	data=$1/node_modules/mediasoup/node/lib/test/data
	mkdir -p "$data"
	[ -f "$data/dtls-cert.pem" ] || openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 3650 -subj /CN=test \
		-keyout "$data/dtls-key.pem" -out "$data/dtls-cert.pem" 2>/dev/null
}

if [ ! -d "$dir" ]; then
	half=$(mktemp -d "$cache/half.XXXXXX")
	trap 'rm -rf "$half"' EXIT
	"$what" "$half"
	mv -T "$half" "$dir" 2>/dev/null || [ -d "$dir" ]
fi
[ "$what" = schema ] || cp "$config" "$dir"
echo "$dir"
