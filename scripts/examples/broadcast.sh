#!/bin/sh
# Sends a file to a room of the controller's, by curl and ffmpeg: everybody in it sees and hears the file, as Opus and VP8, until its end.
# Usage: scripts/examples/broadcast.sh [-k] FILE ROOM [ID]
#   -k    take any certificate, such as the one the controller has made for itself
#   ID    by which the room knows the broadcaster (default broadcaster)
# GAZPACHO_URL is where the controller is (default https://localhost:4443), GAZPACHO_TOKEN the access token, if one is needed.
set -eu

fail() {
	echo "broadcast.sh: $*" >&2
	exit 1
}

url=${GAZPACHO_URL:-https://localhost:4443}
insecure=
if [ "${1:-}" = -k ]; then
	insecure=-k
	shift
fi
if [ $# -lt 2 ] || [ $# -gt 3 ]; then
	sed -n '3,6s/^# //p' "$0" >&2
	exit 2
fi
file=$1 room=$2 id=${3:-broadcaster}
case $room$id in *[!A-Za-z0-9._~-]*) fail "the room and the id may have letters, digits and . _ ~ -" ;; esac
for tool in curl ffmpeg ffprobe; do
	command -v "$tool" >/dev/null || fail "$tool is missing: sudo apt-get install curl ffmpeg"
done
[ -r "$file" ] || fail "cannot read $file"
streams=$(ffprobe -v error -show_entries stream=codec_type -of csv=p=0 "$file") || fail "$file is nothing that ffmpeg can play"

# call METHOD PATH BODY asks the controller and prints its answer. The token goes through a pipe: command lines are for everybody to see.
call() {
	{
		echo 'Content-Type: application/json'
		[ -z "${GAZPACHO_TOKEN:-}" ] || printf 'Authorization: Bearer %s\n' "$GAZPACHO_TOKEN"
	} | curl -sS --max-time 10 --fail-with-body $insecure -X "$1" -H @- -d "$3" "$url/rooms/$room/broadcasters$2"
}

# ask is call for what must succeed.
ask() {
	answer=$(call "$@") || fail "$1 broadcasters$2 failed${answer:+: $answer}"
	echo "$answer"
}

# member NAME prints a text or number of the flat JSON object it reads.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^\",}]*\).*/\1/p"; }

# publish KIND CODEC SSRC makes a transport and a producer on it, and prints where to send to. The transport learns from where by the first packet.
publish() {
	to=$(ask POST "/$id/transports" '{"type":"plain","comedia":true,"rtcpMux":false}')
	transport=$(echo "$to" | member id)
	ask POST "/$id/transports/$transport/producers" \
		"{\"kind\":\"$1\",\"rtpParameters\":{\"codecs\":[$2],\"encodings\":[{\"ssrc\":$3}]}}" >/dev/null
	ip=$(echo "$to" | member ip)
	case $ip in *:*) ip="[$ip]" ;; esac
	echo "rtp://$ip:$(echo "$to" | member port)?rtcpport=$(echo "$to" | member rtcpPort)&pkt_size=1200"
}

encoder=
# leave takes the broadcaster out of the room, and with it all it sends.
leave() {
	if [ -n "$encoder" ]; then
		kill "$encoder" 2>/dev/null || true
		wait "$encoder" || true
	fi
	call DELETE "/$id" '' >/dev/null 2>&1 || true # the room may be gone
}

name=$(basename "$file" | tr -d '[:cntrl:]' | sed 's/[\\"]/\\&/g')
ask POST '' "{\"id\":\"$id\",\"displayName\":\"$name\",\"device\":{\"name\":\"FFmpeg\"}}" >/dev/null
trap leave EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

set --
outputs=
case $streams in *audio*)
	to=$(publish audio '{"mimeType":"audio/opus","payloadType":101,"clockRate":48000,"channels":2,"parameters":{"sprop-stereo":1}}' 1111)
	set -- "$@" -map 0:a:0 -c:a libopus -b:a 96k -ac 2 -ar 48000
	outputs="[select=a:f=rtp:ssrc=1111:payload_type=101]$to"
	;;
esac
case $streams in *video*)
	to=$(publish video '{"mimeType":"video/vp8","payloadType":102,"clockRate":90000}' 2222)
	# A key frame every two seconds: who comes in the middle waits for the next.
	set -- "$@" -map 0:v:0 -pix_fmt yuv420p -vf "scale='min(1280,iw)':-2" -c:v libvpx -b:v 1M -deadline realtime -cpu-used 8 \
		-force_key_frames 'expr:gte(t,n_forced*2)'
	outputs="$outputs${outputs:+|}[select=v:f=rtp:ssrc=2222:payload_type=102]$to"
	;;
esac
[ -n "$outputs" ] || fail "$file has neither sound nor pictures"

# In the background, for a shell that waits in the foreground does not hear signals.
ffmpeg -hide_banner -loglevel warning -nostdin -re -i "$file" "$@" -f tee "$outputs" &
encoder=$!
wait "$encoder" && status=0 || status=$?
encoder=
exit $status
