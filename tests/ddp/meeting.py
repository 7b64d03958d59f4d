"""The TCP meeting, by real processes over loopback: meeting.py MEET_RANK."""
import resource
import signal
import socket
import time
import unittest

from ranks import AMPLE, DEVICE, NETWORK, OK, PEER, REFUSED, TIMED_OUT, TIMEOUT, MeetingCase, free_port


class Meeting(MeetingCase):
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

    # ---- Secrets

    def test_one_secret(self):
        self.expect_meeting(self.start_world(3, secret="a secret").values())
        self.expect_meeting(self.start_world(2, secret="x").values())

    def expect_no_meeting(self, secrets, known):
        rank_0 = self.start(0, 2, secret=secrets[0], timeout=TIMEOUT)
        rank_1 = self.start(1, 2, secret=secrets[1], timeout=TIMEOUT)
        text, _ = self.expect(rank_0, TIMED_OUT, "missing: 1", "visits that did not prove to know the job's %s: " % known[0])
        self.assertGreater(int(text.rsplit(" ", 1)[1]), 0)
        self.expect(rank_1, TIMED_OUT, "did not prove that it knows this job's %s" % known[1])

    def test_two_secrets(self):
        self.expect_no_meeting(("a secret", "another"), ("secret", "secret"))

    def test_a_secret_on_some_ranks_only(self):
        self.expect_no_meeting(("a secret", None), ("secret", "id"))
        self.expect_no_meeting((None, "a secret"), ("id", "secret"))

    def test_a_secret_is_no_job_id(self):
        # The same text as one rank's secret and the other's job.
        rank_0 = self.start(0, 2, secret="1", job=1, timeout=TIMEOUT)
        self.expect(self.start(1, 2, job=1, timeout=TIMEOUT), TIMED_OUT, "did not prove")
        self.expect(rank_0, TIMED_OUT, "missing: 1")

    # ---- Ranks that are not wanted

    def test_who_does_not_belong_is_refused_by_name_and_the_others_meet(self):
        rank_0 = self.start(0, 3, secret="s")
        rank_1 = self.start(1, 3, secret="s")
        time.sleep(0.5)
        self.expect(self.start(2, 3, secret="s", job=99), REFUSED, "rank 2", "another job with the same secret")
        self.expect(self.start(2, 4, secret="s"), REFUSED, "world size is 4", "it is 3")
        self.expect(self.start(1, 3, secret="s"), REFUSED, "rank 1 is there already")
        self.expect(self.start(3, 3, secret="s"), REFUSED, "rank 3 is not one of 0 to 2")
        self.expect_meeting([rank_0, rank_1, self.start(2, 3, secret="s")])

    def test_refusals_are_told_when_not_all_come(self):
        rank_0 = self.start(0, 2, timeout=TIMEOUT)
        self.expect(self.start(1, 3), REFUSED)
        self.expect(rank_0, TIMED_OUT, "missing: 1", "refused: rank 1 says that the world size is 3")

    def test_two_jobs_on_one_port(self):
        first = self.start(0, 2, job=1)
        time.sleep(0.3)
        self.expect(self.start(0, 2, job=2), NETWORK, "port %d" % self.port, "taken")
        self.expect(self.start(1, 2, job=2, timeout=TIMEOUT), TIMED_OUT, "of another job")
        self.expect_meeting([first, self.start(1, 2, job=1)])

    # ---- GPUs

    def expect_shared(self, ranks, sharers):
        for rank in ranks:
            text, _ = self.expect(rank, DEVICE, "GPU-07070707-0707-0707-0707-070707070707", "one rank per GPU")
            for sharer in sharers:
                self.assertIn("rank %d" % sharer, text)

    def test_two_ranks_on_one_gpu(self):
        for gpus in ((7, 8, 7, 9), (8, 7, 7, 9), (8, 9, 10, 7, 7)):
            with self.subTest(gpus=gpus):
                self.port = free_port()
                ranks = [self.start(rank, len(gpus), TEST_GPU=gpu) for rank, gpu in enumerate(gpus[:-1])]
                time.sleep(0.5)  # the last comes late, and hears of it too
                ranks.append(self.start(len(gpus) - 1, len(gpus), TEST_GPU=gpus[-1]))
                self.expect_shared(ranks, [rank for rank, gpu in enumerate(gpus) if gpu == 7])

    def test_two_ranks_on_one_gpu_when_not_all_come(self):
        self.expect_shared([self.start(rank, 4, TEST_GPU=7, timeout=TIMEOUT) for rank in range(2)], range(2))

    # ---- Limits

    def start_limited(self, rank, world, limit):
        return self.start(rank, world, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit)))

    def test_a_world_beyond_the_limit_of_open_files(self):
        for world, limit in ((5000, 1024), (100, 64)):
            _, seconds = self.expect(self.start_limited(0, world, limit), NETWORK, "%d ranks" % world, "limit is %d" % limit, "RLIMIT_NOFILE")
            self.assertLess(seconds, AMPLE / 2, "before anybody waits")

    def test_a_world_within_the_limit_of_open_files(self):
        # 3 are open, and beside 19 connections 9 for listening and visits.
        self.expect(self.start_limited(0, 20, 30), NETWORK, "needs 28 more", "may open 27 only")
        self.expect_meeting([self.start_limited(0, 20, 31)] + [self.start(rank, 20) for rank in range(1, 20)])


if __name__ == "__main__":
    unittest.main(verbosity=2)
