"""Files and payloads of Opus and VP8 for pyapp.py: Ogg, IVF, and how RTP carries VP8.

A frame is an Opus packet or a VP8 picture: (timestamp, data), in units of 1/48000 s and 1/90000 s.
"""

import struct

OPUS_RATE, VIDEO_RATE = 48000, 90000
PRE_SKIP = 3840  # samples a player leaves out: what a decoder that starts anywhere needs to be right (RFC 7845 section 4.2)
MTU = 1200  # bytes of RTP payload, so that a packet fits everywhere


def read_ogg(data):
    """The frames of an Ogg file with one Opus stream (RFC 3533 section 6, RFC 7845 section 3)."""
    packets, packet, at = [], b"", 0
    while at < len(data):
        table = data[at + 27 : at + 27 + data[at + 26]] if len(data) >= at + 27 else b""
        if data[at : at + 4] != b"OggS" or at + 27 + len(table) + sum(table) > len(data):
            raise ValueError("no Opus in Ogg")
        at += 27 + len(table)
        for n in table:
            packet, at = packet + data[at : at + n], at + n
            if n < 255:  # a packet ends with a segment that is not full
                packets.append(packet)
                packet = b""
    if len(packets) < 3 or not packets[0].startswith(b"OpusHead") or not packets[1].startswith(b"OpusTags"):
        raise ValueError("no Opus in Ogg")
    frames, timestamp = [], 0
    for packet in packets[2:]:
        frames.append((timestamp, packet))
        timestamp += opus_samples(packet)
    return frames


def opus_samples(packet):
    """How many samples at 48 kHz a packet holds (RFC 6716 section 3.1)."""
    if not packet or packet[0] & 3 == 3 and len(packet) < 2:
        return 0
    config, code = packet[0] >> 3, packet[0] & 3
    if config < 12:
        each = (480, 960, 1920, 2880)[config % 4]
    elif config < 16:
        each = (480, 960)[config % 2]
    else:
        each = 120 << config % 4
    return each * (1 if code == 0 else packet[1] & 63 if code == 3 else 2)


def write_ogg(frames):
    """The Ogg file of Opus frames, one to a page."""
    head = struct.pack("<8sBBHIHB", b"OpusHead", 1, 2, PRE_SKIP, OPUS_RATE, 0, 0)
    tags = struct.pack("<8sI5sI", b"OpusTags", 5, b"pyapp", 0)
    out = [ogg_page(2, 0, 0, head), ogg_page(0, 0, 1, tags)]
    for i, (timestamp, packet) in enumerate(frames):
        kind = 4 if i == len(frames) - 1 else 0  # the last
        out.append(ogg_page(kind, timestamp + opus_samples(packet), i + 2, packet))
    return b"".join(out)


def ogg_page(kind, position, number, packet):
    table = b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255])
    rest = bytes([len(table)]) + table + packet
    start = struct.pack("<4sBBQII", b"OggS", 0, kind, position, 1, number)
    return start + struct.pack("<I", ogg_checksum(start + bytes(4) + rest)) + rest


def ogg_checksum(page):
    """CRC-32 of polynomial 0x04c11db7, with the high bit first and nothing inverted."""
    total = 0
    for b in page:
        total ^= b << 24
        for _ in range(8):
            total = (total << 1 ^ (0x04C11DB7 if total >> 31 else 0)) & 0xFFFFFFFF
    return total


def read_ivf(data):
    """The frames of an IVF file: a header of 32 bytes, then length, timestamp and bytes of each picture."""
    if len(data) < 32 or data[:4] != b"DKIF" or data[8:12] != b"VP80":
        raise ValueError("no VP8 in IVF")
    rate, scale = struct.unpack_from("<II", data, 16)
    if rate == 0:
        raise ValueError("no VP8 in IVF")
    frames, at = [], 32
    while at < len(data):
        if at + 12 > len(data):
            raise ValueError("the file ends too early")
        n, pts = struct.unpack_from("<IQ", data, at)
        if at + 12 + n > len(data):
            raise ValueError("the file ends too early")
        frames.append((pts * scale * VIDEO_RATE // rate, data[at + 12 : at + 12 + n]))
        at += 12 + n
    return frames


def write_ivf(frames):
    """The IVF file of VP8 frames, from the first key frame on (RFC 6386 section 9.1)."""
    keys = [i for i, (_, data) in enumerate(frames) if len(data) >= 10 and not data[0] & 1]
    frames = frames[keys[0] :] if keys else []
    width, height = struct.unpack_from("<HH", frames[0][1], 6) if frames else (0, 0)
    # The last picture stays as long as the others did on average.
    length = frames[-1][0] * len(frames) // (len(frames) - 1) if len(frames) > 1 else 0
    out = [struct.pack("<4sHH4sHHIIII", b"DKIF", 0, 32, b"VP80", width & 0x3FFF, height & 0x3FFF, VIDEO_RATE, 1, length, 0)]
    for timestamp, data in frames:
        out.append(struct.pack("<IQ", len(data), timestamp) + data)
    return b"".join(out)


def vp8_payloads(picture, number):
    """A picture as payloads of RTP: the descriptor has bit S in the first and a picture id of 15 bits in all (RFC 7741 section 4.2)."""
    for at in range(0, len(picture), MTU):
        yield struct.pack(">BBH", 0x80 if at else 0x90, 0x80, 0x8000 | number & 0x7FFF) + picture[at : at + MTU]


def vp8_payload(payload):
    """Whether a payload begins a picture, and the piece of the picture in it."""
    at, first = 1, payload[0] & 0x17 == 0x10  # S, and partition 0
    if payload[0] & 0x80:
        extensions = payload[1]
        at = 2
        if extensions & 0x80:
            at += 2 if payload[at] & 0x80 else 1
        at += bool(extensions & 0x40) + bool(extensions & 0x30)
    return first, payload[at:]


def pictures(packets):
    """Puts pictures together from packets (number, timestamp, marker, payload) in order. One that lacks a packet is left out."""
    frames, current, expected = [], None, None
    for number, timestamp, marker, payload in packets:
        first, piece = vp8_payload(payload)
        if first:
            current = piece
        elif current is not None:
            current = current + piece if number == expected else None
        expected = number + 1
        if marker and current is not None:
            frames.append((timestamp, current))
            current = None
    return frames
