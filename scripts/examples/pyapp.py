#!/usr/bin/env python3
"""Plays an Opus and a VP8 file into a worker and records what comes out: Python's standard library and the channel protocol.

    scripts/examples/pyapp.py --worker bin/worker --audio tone.ogg --video pattern.ivf --out recordings
    scripts/examples/pyapp.py --control control.sock --audio tone.ogg --video pattern.ivf --out recordings

The first starts a worker of its own, the second talks to a controller that runs, which makes up ids and parameters itself.

It makes a router with two PlainTransports, one to send to and one to receive from, and ends with 0 only if every packet arrived. The files it
writes are audio.ogg and video.ivf.
"""

import argparse
import concurrent.futures
import os
import random
import socket
import struct
import subprocess
import sys
import threading
import time
import uuid

import media

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import gazpacho  # noqa: E402, it lies in the directory above

SPACING = 0.0001  # seconds between the packets of a frame: no socket buffer is overrun by a large key frame
RECEIVE_BUFFER = 4 << 20  # bytes: a large key frame that comes while we are not running


class Track:
    """One stream: what is played and what was received of it."""

    def __init__(self, kind, codec, ssrc, frames):
        self.kind, self.codec, self.ssrc = kind, codec, ssrc
        self.consumed = ssrc + 1000  # the SSRC by which we receive it
        self.received, self.last = {}, None
        self.packets = list(self.packetize(frames))

    def packetize(self, frames):
        """Yields (seconds from the start, packet)."""
        number = random.randrange(1 << 16)
        for picture, (timestamp, data) in enumerate(frames):
            payloads = [data] if self.kind == "audio" else list(media.vp8_payloads(data, picture))
            for i, payload in enumerate(payloads):
                marker = self.kind == "video" and i == len(payloads) - 1
                header = struct.pack(">BBHII", 0x80, marker << 7 | self.codec["payloadType"], number, timestamp & 0xFFFFFFFF, self.ssrc)
                yield timestamp / self.codec["clockRate"] + i * SPACING, header + payload
                number = number + 1 & 0xFFFF

    def add(self, packet):
        """Keeps a packet and tells whether it is one more."""
        marker, number, timestamp = packet[1] >> 7, *struct.unpack_from(">HI", packet, 2)
        if self.last is not None:  # numbers wrap: the one nearest to the newest is meant
            number = self.last + (number - self.last + 0x8000 & 0xFFFF) - 0x8000
        if number in self.received:
            return False
        self.last = number if self.last is None else max(self.last, number)
        self.received[number] = (number, timestamp, marker, payload(packet))
        return True

    def save(self, directory):
        packets = [self.received[n] for n in sorted(self.received)]
        start = packets[0][1] if packets else 0
        packets = [(number, timestamp - start & 0xFFFFFFFF, marker, data) for number, timestamp, marker, data in packets]
        if self.kind == "audio":
            name, data = "audio.ogg", media.write_ogg([(timestamp, data) for _, timestamp, _, data in packets])
        else:
            name, data = "video.ivf", media.write_ivf(media.pictures(packets))
        with open(os.path.join(directory, name), "wb") as f:
            f.write(data)

    def report(self):
        lost = len(self.packets) - len(self.received)
        print(f"{self.kind}: {len(self.packets)} packets sent, {len(self.received)} received, {lost} lost")
        return lost


def payload(packet):
    """What a packet carries behind its header (RFC 3550 section 5.1)."""
    at = 12 + 4 * (packet[0] & 15)
    if packet[0] & 0x10:
        at += 4 + 4 * struct.unpack_from(">H", packet, at + 2)[0]
    return packet[at : len(packet) - (packet[-1] if packet[0] & 0x20 else 0)]


def plain_transport(channel, router, **options):
    """Makes a PlainTransport on loopback. Returns its id and a socket that hears nobody else."""
    transport = str(uuid.uuid4())  # a controller would make one up
    body = {"transportId": transport, "listenInfo": {"protocol": "udp", "ip": "127.0.0.1"}, **options}
    where = channel.request("router.createPlainTransport", router, body)["tuple"]
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.connect((where["localAddress"], where["localPort"]))
    return transport, sock


def forward(channel, sending, receiving, track):
    """Announces a track on one transport and has it sent on the other."""
    producer, mapped = str(uuid.uuid4()), track.ssrc + 500
    pt = track.codec["payloadType"]
    parameters = {"codecs": [track.codec], "encodings": [{"ssrc": track.ssrc}], "rtcp": {"cname": "pyapp"}}
    mapping = {"codecs": [{"payloadType": pt, "mappedPayloadType": pt}], "encodings": [{"ssrc": track.ssrc, "mappedSsrc": mapped}]}
    made = channel.request("transport.produce", sending, {
        "producerId": producer, "kind": track.kind, "rtpParameters": parameters, "rtpMapping": mapping,
    })
    channel.request("transport.consume", receiving, {
        "consumerId": str(uuid.uuid4()), "producerId": producer, "kind": track.kind, "type": made["type"],
        "rtpParameters": {**parameters, "encodings": [{"ssrc": track.consumed}]}, "consumableRtpEncodings": [{"ssrc": mapped}],
    })


def forward_by_controller(channel, sending, receiving, track):
    """The same where a controller decides by ORTC: we say what we send and what we can take, and are told what we will get."""
    parameters = {"codecs": [track.codec], "encodings": [{"ssrc": track.ssrc}], "rtcp": {"cname": "pyapp"}}
    made = channel.request("transport.produce", sending, {"kind": track.kind, "rtpParameters": parameters})
    got = channel.request("transport.consume", receiving, {
        "producerId": made["producerId"], "rtpCapabilities": {"codecs": [capability(track)]}, "enableRtx": False,
    })
    track.consumed = got["rtpParameters"]["encodings"][0]["ssrc"]


def capability(track):
    """A codec as a router has it, and as we can take it."""
    codec = dict(track.codec)
    return {"kind": track.kind, "preferredPayloadType": codec.pop("payloadType"), **codec}


def create_router(channel, tracks):
    if channel.server == "controller":
        return channel.request("worker.createRouter", "", {"mediaCodecs": [capability(t) for t in tracks]})["routerId"]
    router = str(uuid.uuid4())
    channel.request("worker.createRouter", "", {"routerId": router})
    return router


def play(sock, tracks):
    """Sends all packets of the tracks, each at its time."""
    start = time.monotonic()
    for at, packet in sorted((p for t in tracks for p in t.packets), key=lambda p: p[0]):
        time.sleep(max(0, start + at - time.monotonic()))
        sock.send(packet)


def receive(sock, tracks, played):
    """Sorts what comes to its tracks until nothing is missing, or all was played and nothing comes any more."""
    by_ssrc = {t.consumed: t for t in tracks}
    missing = sum(len(t.packets) for t in tracks)
    while missing:
        try:
            packet = sock.recv(1 << 16)
        except TimeoutError:
            if played.is_set():
                return
            continue
        if 192 <= packet[1] <= 223:  # RTCP on the same port (RFC 5761 section 4)
            continue
        track = by_ssrc.get(struct.unpack_from(">I", packet, 8)[0])
        missing -= track is not None and track.add(packet)


def run(channel, tracks, patience):
    router = create_router(channel, tracks)
    # The first transport learns our address from our first packet; the second is sent nothing, so it must be told.
    sending, into = plain_transport(channel, router, comedia=True)
    receiving, out = plain_transport(channel, router)
    with into, out:
        out.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER)
        ip, port = out.getsockname()
        channel.request("plainTransport.connect", receiving, {"ip": ip, "port": port})
        # A player cannot make a key frame on demand: who watches must be there before the first packet.
        for track in tracks:
            (forward_by_controller if channel.server == "controller" else forward)(channel, sending, receiving, track)
        out.settimeout(patience)
        played = threading.Event()
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            receiver = pool.submit(receive, out, tracks, played)
            try:
                play(into, tracks)
            finally:
                played.set()
            receiver.result()
    channel.request("worker.closeRouter", "", {"routerId": router})


def read(path):
    with open(path, "rb") as f:
        return f.read()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--worker", default="bin/worker", metavar="PATH", help="the worker to start (default bin/worker)")
    parser.add_argument("--control", metavar="PATH", help="the socket of a controller's control API, to use that instead")
    parser.add_argument("--audio", required=True, metavar="FILE", help="what to play: Opus in Ogg")
    parser.add_argument("--video", required=True, metavar="FILE", help="what to play: VP8 in IVF")
    parser.add_argument("--out", default=".", metavar="DIRECTORY", help="where to record (default here)")
    parser.add_argument("--patience", type=float, default=5, metavar="SECONDS", help="how long a silence ends the wait for packets, once all were sent (default 5)")
    args = parser.parse_args()
    opus = {"mimeType": "audio/opus", "payloadType": 100, "clockRate": media.OPUS_RATE, "channels": 2}
    vp8 = {"mimeType": "video/VP8", "payloadType": 101, "clockRate": media.VIDEO_RATE}
    tracks = [
        Track("audio", opus, 1111, media.read_ogg(read(args.audio))),
        Track("video", vp8, 2222, media.read_ivf(read(args.video))),
    ]
    server = gazpacho.controller(args.control, 10, "pyapp.py") if args.control else gazpacho.worker(args.worker, 10, "pyapp.py")
    with server as channel:
        run(channel, tracks, args.patience)
    for track in tracks:
        track.save(args.out)
    if sum([track.report() for track in tracks]):
        raise gazpacho.Failure("not everything arrived")


if __name__ == "__main__":
    try:
        main()
    except (gazpacho.Failure, OSError, subprocess.TimeoutExpired, KeyError, ValueError) as e:
        sys.exit(f"pyapp.py: {repr(e) if isinstance(e, KeyError) else e}")
