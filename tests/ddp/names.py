"""Rank 0's name: one that is known late, moves or hangs, and where rank 0 listens for it. names.py MEET_RANK. Names that
end in .test are answered by names.c."""
import os
import socket
import subprocess
import sys
import time
import unittest


def succeeds(*command):
    try:
        return subprocess.run(command, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


# Who is not root may make networks in a name space of users.
if os.geteuid() != 0 and succeeds("unshare", "--map-root-user", "true"):
    os.execvp("unshare", ["unshare", "--map-root-user", sys.executable, *sys.argv])

from ranks import AMPLE, OK, TIMED_OUT, TIMEOUT, MeetingCase, free_port

HOST = "rank0.test"


class LateNames(MeetingCase):
    def test_a_name_that_is_known_late(self):
        for failure in ("NONAME", "AGAIN", "NODATA", "FAIL"):
            with self.subTest(failure=failure):
                self.port = free_port()
                ranks = self.start_world(3, host=HOST, NAMES="0 %s\n1.5 127.0.0.1" % failure)
                for rank in ranks.values():
                    _, seconds = self.expect(rank, OK)
                    self.assertGreater(seconds, 1)
                    self.assertLess(seconds, AMPLE / 2)

    def test_a_name_that_is_never_known(self):
        for names, why in (("0 NONAME", "Name or service not known"), ("0 NONAME\n1 AGAIN", "Temporary failure in name resolution")):
            text, seconds = self.expect(self.start(1, 2, host=HOST, timeout=TIMEOUT, NAMES=names), TIMED_OUT, HOST, "does not resolve", why)
            self.assertGreaterEqual(seconds, TIMEOUT)
        self.expect(self.start(1, 2, host="no-such-host.invalid", timeout=TIMEOUT), TIMED_OUT, "no-such-host.invalid", "does not resolve")

    def test_a_name_that_moves(self):
        """To where rank 0 is: where it was, nobody listens, or somebody else."""
        with socket.create_server(("127.0.0.9", self.port)) as other:
            other.settimeout(0.1)
            for old in ("127.0.0.8", "127.0.0.9"):
                with self.subTest(old=old):
                    rank_1 = self.start(1, 2, host=HOST, NAMES="0 %s\n2 127.0.0.1" % old)
                    rank_0 = self.start(0, 2)
                    self.assertLess(self.expect(rank_1, OK)[1], AMPLE / 2)
                    self.expect(rank_0, OK)

    def test_a_name_that_is_forgotten(self):
        """What was known before may still be right."""
        rank_1 = self.start(1, 2, host=HOST, NAMES="0 127.0.0.1\n0.5 NONAME")
        time.sleep(2.5)
        self.expect_meeting([self.start(0, 2), rank_1])
        self.expect(self.start(1, 2, host=HOST, timeout=TIMEOUT, NAMES="0 127.0.0.1\n0.5 NONAME"), TIMED_OUT, "does not resolve",
                    "Connection refused")

    def test_a_look_up_that_hangs(self):
        # The thread that looks up is left to the name server.
        for names in ("0 HANG", "0 127.0.0.1\n0.5 HANG"):
            self.expect(self.start(1, 2, host=HOST, timeout=TIMEOUT, NAMES=names), TIMED_OUT, HOST, threads=1)

    def test_rank_0_may_not_know_its_name(self):
        for names, threads in (("0 NONAME", 0), ("0 HANG", 1)):
            self.port = free_port()
            rank_0 = self.start(0, 2, host=HOST, timeout=6, NAMES=names)
            rank_1 = self.start(1, 2, timeout=6)
            self.expect(rank_0, OK, threads=threads)
            self.expect(rank_1, OK)


class Listening(MeetingCase):
    def can_connect(self, address):
        try:
            socket.create_connection((address, self.port), timeout=2).close()
            return True
        except OSError:
            return False

    def expect_listening(self, at, not_at, **options):
        rank_0 = self.start(0, 2, **options)
        self.connect(address=at[0]).close()
        for address in at:
            self.assertTrue(self.can_connect(address), address)
        for address in not_at:
            self.assertFalse(self.can_connect(address), address)
        self.expect_meeting([rank_0, self.start(1, 2, host=at[0])])

    def test_at_a_loopback_address_alone(self):
        self.expect_listening(["127.0.0.2"], ["127.0.0.1", "127.0.0.3"], host="127.0.0.2")
        self.expect_listening(["127.0.0.1"], ["127.0.0.2"], host="localhost")

    def test_at_all_addresses_where_a_name_leads_to_loopback(self):
        self.expect_listening(["127.0.0.1", "127.0.1.1"], [], host=HOST, NAMES="0 127.0.1.1")

    def test_at_all_addresses_where_the_address_is_not_this_machines(self):
        self.expect_listening(["127.0.0.1", "127.0.0.2"], [], host="192.0.2.77")

    def test_twice_the_same_address(self):
        self.expect_listening(["127.0.0.1"], ["127.0.0.2"], host="localhost")
        self.expect_listening(["127.0.0.1", "127.0.0.2"], [], host=HOST, NAMES="0 127.0.1.1 127.0.1.1")


@unittest.skipUnless(succeeds("unshare", "--net", "ip", "link", "set", "lo", "up"), "the kernel does not let this user make networks")
class TwoMachines(MeetingCase):
    """Rank 0 on one, rank 1 on the other: two network namespaces and a cable between them. Rank 0's machine has a second
    address, where strangers may come from."""

    def setUp(self):
        super().setUp()
        self.machines = []
        for _ in range(2):
            self.machines.append(subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 100"], stdout=subprocess.PIPE))
            self.addCleanup(self.machines[-1].stdout.close)
            self.addCleanup(self.machines[-1].wait)
            self.addCleanup(self.machines[-1].kill)
            self.machines[-1].stdout.readline()
        self.on(0, "ip", "link", "add", "cable0", "type", "veth", "peer", "name", "cable1", "netns", str(self.machines[1].pid))
        for machine, command in (
            (0, "address add 10.77.0.1/24 dev cable0"),
            (0, "link set cable0 up"),
            (0, "address add 10.78.0.1/32 dev lo"),
            (1, "address add 10.77.0.2/24 dev cable1"),
            (1, "link set cable1 up"),
            (1, "route add 10.78.0.0/24 via 10.77.0.1"),
        ):
            self.on(machine, "ip", *command.split())

    def before(self, machine):
        return ["nsenter", "--target", str(self.machines[machine].pid), "--net"]

    def on(self, machine, *command):
        subprocess.run(self.before(machine) + list(command), check=True)

    def can_connect(self, address):
        program = "import socket; socket.create_connection((%r, %d), timeout=1)" % (address, self.port)
        return subprocess.run(self.before(1) + ["python3", "-c", program], capture_output=True).returncode == 0

    def expect_listening(self, host, at, not_at, **options):
        rank_0 = self.start(0, 2, host=host, before=self.before(0), **options)
        deadline = time.monotonic() + 5
        while not self.can_connect(at[0]):
            self.assertLess(time.monotonic(), deadline)
        for address in at:
            self.assertTrue(self.can_connect(address), address)
        for address in not_at:
            self.assertFalse(self.can_connect(address), address)
        self.expect_meeting([rank_0, self.start(1, 2, host=at[0], before=self.before(1))])

    def test_rank_0_listens_where_the_others_are_told(self):
        self.expect_listening("10.77.0.1", ["10.77.0.1"], ["10.78.0.1"])
        self.expect_listening(HOST, ["10.77.0.1"], ["10.78.0.1"], NAMES="0 10.77.0.1")
        self.expect_listening(HOST, ["10.77.0.1", "10.78.0.1"], [], NAMES="0 10.77.0.1 10.78.0.1")

    def test_a_name_that_is_loopback_at_home(self):
        self.expect_listening(HOST, ["10.77.0.1", "10.78.0.1"], [], NAMES="0 127.0.1.1")
        self.expect_listening(HOST, ["10.77.0.1", "10.78.0.1"], [], NAMES="0 127.0.1.1 10.77.0.1")

    def test_an_address_that_is_translated(self):
        self.expect_listening("192.0.2.77", ["10.77.0.1", "10.78.0.1"], [])


if __name__ == "__main__":
    unittest.main(verbosity=2)
