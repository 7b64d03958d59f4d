"""Ranks of a TCP meeting as real processes over loopback, for meeting.py, strangers.py and names.py, which are called
with MEET_RANK as their argument."""
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import unittest

MEET_RANK = sys.argv.pop(1)
TIMEOUT = 2.0  # of the ranks whose deadline is tested
AMPLE = 20.0  # of those who must not need it
MARGIN = 2.5  # on top of a deadline, on a busy machine
OK, DEVICE, NETWORK, REFUSED, TIMED_OUT, PEER = 0, 6, 18, 19, 20, 21


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Rank:
    """One process; `result` is what it says at the end. Other keywords are its environment."""

    def __init__(self, port, rank, world, host="127.0.0.1", job=1, timeout=AMPLE, secret=None, before=(), preexec_fn=None, **variables):
        self.timeout = timeout
        environment = {name: value for name, value in os.environ.items() if not name.startswith("BATCHVIEW_")}
        environment.update({name: str(value) for name, value in variables.items()})
        if secret is not None:
            environment["BATCHVIEW_SECRET"] = secret
        self.process = subprocess.Popen([*before, MEET_RANK, str(rank), str(world), host, str(port), str(job), str(timeout)],
                                        stdout=subprocess.PIPE, text=True, env=environment, preexec_fn=preexec_fn)
        assert self.process.stdout.readline() == "ready\n"

    def result(self):
        self.process.wait(timeout=self.timeout + 10)
        out = self.process.stdout.read()  # not communicate(), which does not see what readline() has buffered
        status, seconds, descriptors, threads, text = out.rstrip("\n").split(" ", 4)
        return int(status), float(seconds), int(descriptors), int(threads), text

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)


def read_all(s, count):
    """Up to `count` bytes, fewer if the other end closes."""
    got = b""
    try:
        while len(got) < count:
            more = s.recv(count - len(got))
            if not more:
                break
            got += more
    except ConnectionError:
        pass
    return got


class MeetingCase(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.ranks = []

    def tearDown(self):
        for rank in self.ranks:
            if rank.process.poll() is None:
                rank.kill(signal.SIGCONT)
                rank.kill()
            rank.process.communicate()

    def start(self, rank, world, port=None, **options):
        self.ranks.append(Rank(port or self.port, rank, world, **options))
        return self.ranks[-1]

    def start_world(self, world, but=(), **options):
        return {rank: self.start(rank, world, **options) for rank in range(world) if rank not in but}

    def expect(self, rank, status, *words, threads=0):
        got, seconds, descriptors, more_threads, text = rank.result()
        self.assertEqual(got, status, text)
        for word in words:
            self.assertIn(word, text)
        self.assertLess(seconds, rank.timeout + MARGIN, text)
        self.assertEqual(descriptors, 0, "descriptors leaked")
        self.assertEqual(more_threads, threads, "threads leaked")
        return text, seconds

    def expect_meeting(self, ranks):
        gifts = {self.expect(rank, OK)[0] for rank in ranks}
        self.assertEqual(len(gifts), 1, "all get what rank 0 has")
        return gifts.pop().encode()

    def connect(self, port=None, address="127.0.0.1"):
        """A connection to rank 0."""
        deadline = time.monotonic() + 5
        while True:
            try:
                s = socket.create_connection((address, port or self.port), timeout=5)
                self.addCleanup(s.close)
                return s
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def serve(self, answer, port=None):
        """Accepts connections, at rank 0's port if no other, and lets `answer` deal with each."""
        listener = socket.create_server(("127.0.0.1", port or self.port))
        self.addCleanup(listener.close)

        def loop():
            while True:
                try:
                    s, _ = listener.accept()
                except OSError:
                    return
                with s:
                    try:
                        answer(s)
                    except OSError:
                        pass

        threading.Thread(target=loop, daemon=True).start()
        return listener
