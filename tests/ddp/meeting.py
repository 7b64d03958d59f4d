"""The TCP meeting, by real processes over loopback: meeting.py MEET_RANK."""
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
OK, NETWORK, REFUSED, TIMED_OUT, PEER = 0, 18, 19, 20, 21


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Rank:
    """One process; `result` is what it says at the end."""

    def __init__(self, port, rank, world, host="127.0.0.1", job=1, timeout=AMPLE):
        self.timeout = timeout
        self.process = subprocess.Popen(
            [MEET_RANK, str(rank), str(world), host, str(port), str(job), str(timeout)], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def result(self):
        self.process.wait(timeout=self.timeout + 10)
        out = self.process.stdout.read()  # not communicate(), which does not see what readline() has buffered
        status, seconds, descriptors, threads, text = out.rstrip("\n").split(" ", 4)
        return int(status), float(seconds), int(descriptors), int(threads), text

    def kill(self, sig=signal.SIGKILL):
        self.process.send_signal(sig)


class Meeting(unittest.TestCase):
    def setUp(self):
        self.port = free_port()
        self.ranks = []

    def tearDown(self):
        for rank in self.ranks:
            if rank.process.poll() is None:
                rank.kill(signal.SIGCONT)
                rank.kill()
            rank.process.communicate()

    def start(self, rank, world, **options):
        self.ranks.append(Rank(self.port, rank, world, **options))
        return self.ranks[-1]

    def expect(self, rank, status, *words):
        got, seconds, descriptors, threads, text = rank.result()
        self.assertEqual(got, status, text)
        for word in words:
            self.assertIn(word, text)
        self.assertLess(seconds, rank.timeout + MARGIN, text)
        self.assertEqual(descriptors, 0, "descriptors leaked")
        self.assertEqual(threads, 0, "threads leaked")
        return text, seconds

    def expect_meeting(self, ranks):
        gifts = {self.expect(rank, OK)[0] for rank in ranks}
        self.assertEqual(len(gifts), 1, "all get what rank 0 has")

    def connect(self):
        """A stranger's connection to rank 0."""
        deadline = time.monotonic() + 5
        while True:
            try:
                s = socket.create_connection(("127.0.0.1", self.port), timeout=5)
                self.addCleanup(s.close)
                return s
            except ConnectionRefusedError:
                self.assertLess(time.monotonic(), deadline)
                time.sleep(0.02)

    def start_world(self, world, but=(), **options):
        return {rank: self.start(rank, world, **options) for rank in range(world) if rank not in but}

    # ---- All is well

    def test_two_to_sixteen_ranks_meet(self):
        for world in (2, 3, 7, 16):
            with self.subTest(world=world):
                self.port = free_port()
                self.expect_meeting(self.start_world(world).values())

    def test_rank_0_may_come_last(self):
        others = [self.start(rank, 3) for rank in (1, 2)]
        time.sleep(1)
        self.expect_meeting(others + [self.start(0, 3)])

    def test_a_rank_may_come_late(self):
        ranks = list(self.start_world(3, but=[2]).values())
        time.sleep(1)
        self.expect_meeting(ranks + [self.start(2, 3)])

    def test_by_name_and_by_either_family(self):
        hosts = ["localhost", socket.gethostname(), "127.0.0.1"]
        try:
            socket.create_server(("::1", 0), family=socket.AF_INET6).close()
            hosts.append("::1")
        except OSError:
            pass  # a machine without IPv6
        for host in hosts:
            with self.subTest(host=host):
                try:
                    socket.getaddrinfo(host, self.port)
                except OSError:
                    continue  # a machine that does not know its own name
                self.port = free_port()
                self.expect_meeting(self.start_world(2, host=host).values())

    def test_one_meeting_after_another_on_the_same_port(self):
        for job in range(3):
            self.expect_meeting(self.start_world(2, job=job).values())

    # ---- Ranks that do not come, die or stop

    def test_a_rank_that_never_comes(self):
        ranks = self.start_world(4, but=[2], timeout=TIMEOUT)
        self.expect(ranks[0], TIMED_OUT, "missing: 2", "2 s")
        for rank in (1, 3):
            self.expect(ranks[rank], TIMED_OUT, "rank 0 gave up", "missing: 2")

    def test_rank_0_never_comes(self):
        text, seconds = self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT, "found no rank 0", "Connection refused")
        self.assertGreaterEqual(seconds, TIMEOUT)

    def test_who_gives_up_is_told_why(self):
        rank_0 = self.start(0, 3, timeout=TIMEOUT)
        rank_1 = self.start(1, 3)
        self.expect(rank_0, TIMED_OUT, "missing: 2")
        self.expect(rank_1, TIMED_OUT, "rank 0 gave up", "missing: 2")

    def test_a_rank_killed_during_the_meeting(self):
        ranks = self.start_world(4, but=[3])
        time.sleep(0.5)
        ranks[2].kill()
        _, seconds = self.expect(ranks[0], PEER, "rank 2 left")
        self.expect(ranks[1], PEER, "rank 2 left")
        self.assertLess(seconds, AMPLE / 2, "known at once")

    def test_rank_0_killed_during_the_meeting(self):
        ranks = self.start_world(4, but=[3])
        time.sleep(0.5)
        ranks[0].kill()
        for rank in (1, 2):
            _, seconds = self.expect(ranks[rank], PEER, "rank 0 left")
            self.assertLess(seconds, AMPLE / 2, "known at once")

    def test_a_rank_stopped_during_the_meeting_keeps_nobody(self):
        ranks = self.start_world(3, but=[2])
        time.sleep(0.5)
        ranks[1].kill(signal.SIGSTOP)
        last = self.start(2, 3)
        self.expect(ranks[0], OK)
        self.expect(last, OK)
        ranks[1].kill(signal.SIGCONT)
        self.expect(ranks[1], OK)

    def test_rank_0_stopped(self):
        rank_0 = self.start(0, 3)
        time.sleep(0.3)
        rank_0.kill(signal.SIGSTOP)
        self.expect(self.start(1, 3, timeout=TIMEOUT), TIMED_OUT)

    # ---- Ranks that are not wanted

    def test_who_does_not_belong_is_refused_by_name_and_the_others_meet(self):
        rank_0 = self.start(0, 3)
        rank_1 = self.start(1, 3)
        time.sleep(0.5)
        self.expect(self.start(2, 3, job=99), REFUSED, "rank 2", "another job")
        self.expect(self.start(2, 4), REFUSED, "world size is 4", "it is 3")
        self.expect(self.start(1, 3), REFUSED, "rank 1 is there already")
        self.expect(self.start(3, 3), REFUSED, "rank 3 is not one of 0 to 2")
        self.expect_meeting([rank_0, rank_1, self.start(2, 3)])

    def test_refusals_are_told_when_not_all_come(self):
        rank_0 = self.start(0, 2, timeout=TIMEOUT)
        self.expect(self.start(1, 2, job=99), REFUSED)
        self.expect(rank_0, TIMED_OUT, "missing: 1", "another job")

    def test_two_jobs_on_one_port(self):
        first = self.start(0, 2, job=1)
        time.sleep(0.3)
        self.expect(self.start(0, 2, job=2), NETWORK, "port %d" % self.port, "taken")
        self.expect(self.start(1, 2, job=2), REFUSED, "another job")
        self.expect_meeting([first, self.start(1, 2, job=1)])

    def test_a_name_that_does_not_resolve(self):
        self.expect(self.start(1, 2, host="no-such-host.invalid", timeout=TIMEOUT), NETWORK, "no-such-host.invalid",
                    "does not resolve")

    # ---- Strangers at rank 0

    def test_silent_strangers_keep_nobody(self):
        rank_0 = self.start(0, 2)
        strangers = [self.connect() for _ in range(200)]
        self.expect_meeting([rank_0, self.start(1, 2)])
        del strangers

    def test_a_thousand_strangers_in_sequence(self):
        rank_0 = self.start(0, 2)
        for _ in range(1000):
            self.connect().close()
        self.expect_meeting([rank_0, self.start(1, 2)])

    def test_rubbish_is_let_go(self):
        rank_0 = self.start(0, 2)
        for words in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 32, os.urandom(100000), b"bvmeet\r\n" + b"\xff" * 24):
            s = self.connect()
            try:
                s.sendall(words)
                s.settimeout(5)
                while s.recv(1000):
                    pass
            except ConnectionError:
                pass
        self.expect_meeting([rank_0, self.start(1, 2)])

    def test_one_byte_a_second_keeps_nobody(self):
        rank_0 = self.start(0, 2)
        s = self.connect()
        stop = threading.Event()

        def drip():
            for byte in b"bvmeet\r\n" + b"\0" * 24:
                try:
                    s.send(bytes([byte]))
                except OSError:
                    return
                if stop.wait(1):
                    return

        thread = threading.Thread(target=drip)
        thread.start()
        time.sleep(1.5)
        self.expect_meeting([rank_0, self.start(1, 2)])
        stop.set()
        thread.join()

    # ---- Others in rank 0's place

    def serve(self, answer):
        """Accepts connections at rank 0's port and lets `answer` deal with each."""
        listener = socket.create_server(("127.0.0.1", self.port))
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

    def test_another_server_at_the_port(self):
        self.serve(lambda s: (s.sendall(b"220 mail.example.org ESMTP\r\n"), s.recv(100)))
        self.expect(self.start(1, 2), NETWORK, "is not rank 0")

    def test_a_server_that_says_nothing(self):
        self.serve(lambda s: time.sleep(30))
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT, "no answer")

    def test_a_server_that_hangs_up(self):
        self.serve(lambda s: s.recv(100))
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT)

    def test_a_server_of_one_byte_a_second(self):
        def drip(s):
            for byte in b"bvmeet\r\n" + b"\0\1\1\0" * 10:
                s.send(bytes([byte]))
                time.sleep(1)

        self.serve(drip)
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT)


if __name__ == "__main__":
    unittest.main(verbosity=2)
