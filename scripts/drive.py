#!/usr/bin/env python3
"""Drives a worker by proto/PROTOCOL.md alone: gazpacho.py beside it, Python's standard library and nothing of Gazpacho.

It attaches, creates a router and a WebRtcTransport on 127.0.0.1, prints the transport's dump as JSON and closes both.

    scripts/drive.py --worker bin/worker          starts a worker and ends it again
    scripts/drive.py --channel /run/gazpacho/w0   attaches to one that runs
"""

import argparse
import json
import subprocess
import sys
import uuid

import gazpacho
from gazpacho import Failure


def drive(channel):
    router, transport = str(uuid.uuid4()), str(uuid.uuid4())
    channel.request("worker.createRouter", "", {"routerId": router})
    options = {"transportId": transport, "listenInfos": [{"protocol": "udp", "ip": "127.0.0.1"}]}
    channel.request("router.createWebRtcTransport", router, options)
    dump = channel.request("transport.dump", transport)
    if dump["id"] != transport or not dump["iceCandidates"]:
        raise Failure(f"the dump is not of our transport: {dump}")
    print(json.dumps(dump, indent=2))
    channel.request("router.closeTransport", router, {"transportId": transport})
    channel.request("worker.closeRouter", "", {"routerId": router})
    left = channel.request("worker.dump")["routerIds"]
    if left and router in left:
        raise Failure("the router is still there")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--worker", metavar="PATH", help="the worker to start")
    where.add_argument("--channel", metavar="PATH", help="the socket of a worker that runs")
    parser.add_argument("--timeout", type=float, default=10, metavar="SECONDS", help="how long to wait for the worker each time (default 10)")
    args = parser.parse_args()
    if args.channel:
        drive(gazpacho.Channel(gazpacho.connect(args.channel, args.timeout), args.timeout, "drive.py"))
        return
    with gazpacho.worker(args.worker, args.timeout, "drive.py") as channel:
        drive(channel)


if __name__ == "__main__":
    try:
        main()
    except (Failure, OSError, subprocess.TimeoutExpired, KeyError, UnicodeDecodeError) as e:
        sys.exit(f"drive.py: {e if isinstance(e, Failure) else repr(e)}")
