"""A client of the channel by proto/PROTOCOL.md alone: Python's standard library and nothing of Gazpacho.

    with gazpacho.worker("bin/worker", timeout=10) as channel:
        channel.request("worker.createRouter", "", {"routerId": "a room"})

pack and unpack are msgpack, Channel is an attached client, worker starts a process, attaches to it and ends it again, and controller attaches to
the control API of a controller that runs (pkg/api/PROTOCOL.md):

    with gazpacho.controller("control.sock", timeout=10) as channel:
        router = channel.request("worker.createRouter", "", {"mediaCodecs": [...]})["routerId"]
"""

import contextlib
import os
import socket
import struct
import subprocess
import tempfile
import time

MAX_FRAME = 8 << 20
MAX_DEPTH = 32


class Failure(Exception):
    """What a program ends with: one line for people."""


# msgpack ---------------------------------------------------------------------------------------------------------------


def pack(value):
    """Encodes None, bool, int, float, str, bytes, list and dict."""
    if value is None:
        return b"\xc0"
    if isinstance(value, bool):
        return b"\xc3" if value else b"\xc2"
    if isinstance(value, int):
        return pack_int(value)
    if isinstance(value, float):
        return struct.pack(">Bd", 0xCB, value)
    if isinstance(value, str):
        data = value.encode()
        return header(len(data), (0xA0, 32), (0xD9, 0xDA, 0xDB)) + data
    if isinstance(value, (bytes, bytearray)):
        return header(len(value), None, (0xC4, 0xC5, 0xC6)) + bytes(value)
    if isinstance(value, (list, tuple)):
        return header(len(value), (0x90, 16), (None, 0xDC, 0xDD)) + b"".join(map(pack, value))
    if isinstance(value, dict):
        return header(len(value), (0x80, 16), (None, 0xDE, 0xDF)) + b"".join(pack(k) + pack(v) for k, v in value.items())
    raise TypeError(f"cannot pack {type(value).__name__}")


def pack_int(n):
    if 0 <= n < 128 or -32 <= n < 0:
        return struct.pack(">B", n & 0xFF)
    signed = n < 0
    for i, bits in enumerate((8, 16, 32, 64)):
        if (-1 << bits - 1) <= n < 0 or 0 <= n < 1 << bits:
            return struct.pack(">B" + ("bhiq" if signed else "BHIQ")[i], (0xD0 if signed else 0xCC) + i, n)
    raise OverflowError(f"{n} needs more than 64 bits")


def header(n, fixed, codes):
    """The code and length of a text, binary, list or map."""
    if fixed and n < fixed[1]:
        return struct.pack(">B", fixed[0] | n)
    for code, bits, form in zip(codes, (8, 16, 32), ">BB >BH >BI".split()):
        if code and n < 1 << bits:
            return struct.pack(form, code, n)
    raise OverflowError(f"{n} elements are too many")


class Unpacker:
    """Decodes exactly one value, and never reads past its bytes."""

    # code: (kind, struct format of the number that follows)
    CODES = {
        0xC4: ("bin", "B"), 0xC5: ("bin", "H"), 0xC6: ("bin", "I"), 0xCA: ("num", "f"), 0xCB: ("num", "d"),
        0xCC: ("num", "B"), 0xCD: ("num", "H"), 0xCE: ("num", "I"), 0xCF: ("num", "Q"),
        0xD0: ("num", "b"), 0xD1: ("num", "h"), 0xD2: ("num", "i"), 0xD3: ("num", "q"),
        0xD9: ("str", "B"), 0xDA: ("str", "H"), 0xDB: ("str", "I"),
        0xDC: ("list", "H"), 0xDD: ("list", "I"), 0xDE: ("map", "H"), 0xDF: ("map", "I"),
    }

    def __init__(self, data):
        self.data, self.at = data, 0

    def whole(self):
        value = self.value(0)
        if self.at != len(self.data):
            raise Failure("protocol error: bytes after the value")
        return value

    def take(self, n):
        if n > len(self.data) - self.at:
            raise Failure("protocol error: the value ends too early")
        self.at += n
        return self.data[self.at - n : self.at]

    def value(self, depth):
        code = self.take(1)[0]
        if code < 0x80:
            return code
        if code < 0xC0:
            kind, n = ("map", code & 15) if code < 0x90 else ("list", code & 15) if code < 0xA0 else ("str", code & 31)
        elif code >= 0xE0:
            return code - 256
        elif code in (0xC0, 0xC2, 0xC3):
            return {0xC0: None, 0xC2: False, 0xC3: True}[code]
        elif code in self.CODES:
            kind, form = self.CODES[code]
            (n,) = struct.unpack(">" + form, self.take(struct.calcsize(form)))
        else:
            raise Failure(f"protocol error: code 0x{code:02x}")
        if kind == "num":
            return n
        if kind == "bin":
            return self.take(n)
        if kind == "str":
            return self.take(n).decode()  # UTF-8, or UnicodeDecodeError
        if depth == MAX_DEPTH or n > len(self.data) - self.at:
            raise Failure("protocol error: too deep, or it declares more than there is")
        if kind == "list":
            return [self.value(depth + 1) for _ in range(n)]
        entries = {}
        for _ in range(n):
            key = self.value(depth + 1)
            if not isinstance(key, str):
                raise Failure("protocol error: a key that is no text")
            entries[key] = self.value(depth + 1)
        return entries


def unpack(data):
    return Unpacker(data).whole()


# The channel -----------------------------------------------------------------------------------------------------------


class Channel:
    """An attached client, of a worker or a controller. Events that come while it waits are kept in events."""

    def __init__(self, sock, timeout, software="python", server="worker", **attach):
        self.sock, self.last_id, self.events, self.server = sock, 0, [], server
        sock.settimeout(timeout)
        hello = self.read()
        if hello[0] != 2 or hello[1] != f"{server}.hello":
            raise Failure(f"the first message is no {server}.hello")
        self.hello = hello[3]
        if self.hello["protocol"]["major"] != 1:
            raise Failure(f"the {server} speaks protocol {self.hello['protocol']}")
        if server == "worker":
            attach["epoch"] = time.time_ns() // 1000
        version = {"major": 1, "minor": 0}
        self.attached = self.request(f"{server}.attach", "", {"protocol": version, "software": software, **attach})

    def write(self, envelope):
        value = pack(envelope)
        self.sock.sendall(struct.pack(">I", len(value)) + value)

    def read(self):
        (n,) = struct.unpack(">I", self.exactly(4))
        if not 0 < n <= MAX_FRAME:
            raise Failure(f"protocol error: a frame of {n} bytes")
        envelope = unpack(self.exactly(n))
        if not isinstance(envelope, list) or not envelope:
            raise Failure("protocol error: no envelope")
        return envelope

    def exactly(self, n):
        data = bytearray()
        while len(data) < n:
            piece = self.sock.recv(min(n - len(data), 1 << 16))
            if not piece:
                raise Failure(f"the {self.server} closed the channel")
            data += piece
        return bytes(data)

    def request(self, method, handler_id="", body=None):
        self.last_id += 1
        self.write([0, self.last_id, method, handler_id, body])
        while True:
            envelope = self.read()
            if envelope[0] != 1:
                self.events.append(envelope)
                continue
            if envelope[1] != self.last_id:
                raise Failure(f"protocol error: a response to request {envelope[1]}")
            if envelope[2] is not None:
                e = envelope[2]
                raise Failure(f"{method} was refused: {e['name']} {e['code']}: {e['message']}" + (f" ({e['path']})" if e.get("path") else ""))
            return envelope[3]


def connect(path, timeout, process=None):
    """Connects, and if the worker was just started, waits for its socket."""
    deadline = time.monotonic() + timeout
    while True:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.connect(path)
            return sock
        except OSError as e:
            sock.close()
            if process is None or time.monotonic() > deadline:
                raise Failure(f"cannot connect to {path}: {e.strerror or e}") from None
            if process.poll() is not None:
                raise Failure(f"the worker ended with {process.returncode} before it listened") from None
            time.sleep(0.01)


@contextlib.contextmanager
def worker(path, timeout, software="python"):
    """Starts a worker and yields the channel to it. The worker ends with the block, and must end well if that did."""
    with tempfile.TemporaryDirectory() as directory:
        address = os.path.join(directory, "w.sock")
        process = subprocess.Popen([path, "--channel", "unix:" + address])
        try:
            channel = Channel(connect(address, timeout, process), timeout, software)
            yield channel
            channel.request("worker.close")
            if process.wait(timeout) != 0:
                raise Failure(f"the worker ended with {process.returncode}")
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()


@contextlib.contextmanager
def controller(path, timeout, software="python", keep=False):
    """Yields the channel to a controller's control API. What was made ends with the block, unless it is to be kept for others."""
    sock = connect(path, timeout)
    try:
        yield Channel(sock, timeout, software, "controller", onDisconnect="keep" if keep else "close")
    finally:
        sock.close()
