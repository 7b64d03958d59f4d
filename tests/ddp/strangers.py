"""Strangers at the TCP meeting: what they can learn and break. strangers.py MEET_RANK. They know the words of the meeting
(words.py), but not the job's secret, or where there is none its id."""
import os
import socket
import threading
import time
import unittest

import words
from ranks import NETWORK, OK, REFUSED, TIMED_OUT, TIMEOUT, MeetingCase, free_port, read_all

SECRET = os.urandom(16).hex()


class Recorder:
    """A man in the middle: passes everything on, and keeps it. change(bytes, from_guest) may do something to it."""

    def __init__(self, case, change=lambda data, from_guest: data):
        self.case, self.change, self.said = case, change, {True: b"", False: b""}
        self.port = free_port()
        case.serve(self.relay, self.port)

    def relay(self, guest):
        with socket.create_connection(("127.0.0.1", self.case.port)) as host:
            back = threading.Thread(target=self.pump, args=(host, guest, False), daemon=True)
            back.start()
            self.pump(guest, host, True)
            back.join()

    def pump(self, source, sink, from_guest):
        try:
            while data := source.recv(1000):
                self.said[from_guest] += data
                sink.sendall(self.change(data, from_guest))
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class AtRank0(MeetingCase):
    def visit(self, greeting, introduction=b""):
        """What rank 0 says to that, until it closes."""
        s = self.connect()
        s.sendall(greeting)
        if not introduction:
            s.shutdown(socket.SHUT_WR)
        heard = read_all(s, words.GREETING_BYTES)
        try:
            s.sendall(introduction)
            s.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # closed already
        return heard + read_all(s, 10000)

    def talk(self, key, introduction):
        """The words of a guest with this key. Returns its session, and what rank 0 says after its greeting."""
        session = words.Session(key, is_host=False)
        s = self.connect()
        s.sendall(words.greeting(session.public))
        session.agree(read_all(s, words.GREETING_BYTES))
        s.sendall(session.seal(introduction))
        return session, s

    def expect_nothing_said(self, heard, keys):
        """Rank 0 greeted, with a new key, or said nothing: the same whatever its job is."""
        if heard:
            self.assertEqual(heard[:10], words.MAGIC + b"\0\2")
            self.assertEqual(len(heard), words.GREETING_BYTES)
            self.assertNotIn(heard[10:], keys)
            keys.add(heard[10:])

    def test_strangers_learn_nothing(self):
        hello_of_version_1 = words.MAGIC + bytes([0, 0, 0, 2, 0, 0, 0, 1]) + bytes(8) + b"\0\1" + bytes(6)
        keys = set()
        for secret, job, world in ((SECRET, 1, 2), (SECRET, 2, 3), (None, 123456789, 2)):
            rank_0 = self.start(0, world, secret=secret, job=job)
            for _ in range(20):
                for greeting, introduction in (
                    (b"", b""),
                    (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b""),
                    (words.MAGIC, b""),
                    (hello_of_version_1, b""),
                    (words.greeting(os.urandom(32), version=3), b""),
                    (words.greeting(bytes(32)), b""),
                    (words.greeting(os.urandom(32)), b""),
                    (words.greeting(os.urandom(32)), os.urandom(10)),
                    (words.greeting(os.urandom(32)), os.urandom(80)),
                    (words.greeting(os.urandom(32)), os.urandom(5000)),
                ):
                    self.expect_nothing_said(self.visit(greeting, introduction), keys)
                for wrong in (words.key_of_secret("wrong"), words.key_of_job(job + 1), words.key_of_secret(str(job)), bytes(32)):
                    _, s = self.talk(wrong, words.introduction(world, 1, job))
                    self.assertEqual(read_all(s, 10000), b"")
            self.expect_meeting([rank_0] + [self.start(rank, world, secret=secret, job=job) for rank in range(1, world)])
        self.assertGreater(len(keys), 100)

    def test_who_knows_the_secret_meets(self):
        """The words are those described; and a refusal is for who knows the secret only."""
        for secret, key in ((SECRET, words.key_of_secret(SECRET)), (None, words.key_of_job(1))):
            rank_0 = self.start(0, 2, secret=secret)
            session, s = self.talk(key, words.introduction(3, 1, 1))
            refusal = session.open(read_all(s, words.ANSWER_BYTES + words.SEAL_BYTES))
            self.assertEqual(refusal[0], words.REFUSED)
            self.assertEqual(refusal[2 : 2 + refusal[1]], b"rank 1 says that the world size is 3, rank 0 that it is 2")
            session, s = self.talk(key, words.introduction(2, 1, 1))
            welcome, gift = (session.open(read_all(s, words.ANSWER_BYTES + words.SEAL_BYTES)) for _ in range(2))
            self.assertEqual(welcome, words.answer(words.WELCOME))
            self.assertEqual(gift, words.answer(words.GIFT, self.expect(rank_0, OK)[0].encode()))

    def test_recorded_guests_are_nobody(self):
        rank_0 = self.start(0, 3, secret=SECRET)
        recorder = Recorder(self)
        rank_1 = self.start(1, 3, secret=SECRET, port=recorder.port)
        while len(recorder.said[False]) <= words.GREETING_BYTES:
            time.sleep(0.02)
        said = recorder.said[True]
        self.assertEqual(len(said), words.GREETING_BYTES + words.INTRODUCTION_BYTES + words.SEAL_BYTES)
        greeting, introduction = said[: words.GREETING_BYTES], said[words.GREETING_BYTES :]
        self.expect_nothing_said(self.visit(greeting, introduction), set())
        gift = self.expect_meeting([rank_0, rank_1, self.start(2, 3, secret=SECRET)])  # rank 1 was not disturbed
        # Nor is anything to be read in the record; and all answers are alike.
        for heard in recorder.said.values():
            for i in range(0, len(gift) - 8):
                self.assertNotIn(gift[i : i + 8], heard)
            self.assertNotIn(bytes([0, 0, 0, 3]), heard)
        self.assertEqual(len(recorder.said[False]), words.GREETING_BYTES + 2 * (words.ANSWER_BYTES + words.SEAL_BYTES))
        # In a later meeting of the same job
        rank_0 = self.start(0, 2, secret=SECRET)
        self.expect_nothing_said(self.visit(greeting, introduction), set())
        self.expect_meeting([rank_0, self.start(1, 2, secret=SECRET)])

    def test_silent_strangers_keep_nobody(self):
        rank_0 = self.start(0, 2)
        strangers = [self.connect() for _ in range(100)]
        for _ in range(100):
            strangers.append(self.connect())
            strangers[-1].sendall(words.greeting(os.urandom(32)))
        self.expect_meeting([rank_0, self.start(1, 2)])

    def test_many_guests_at_once_keep_their_places(self):
        """All are let in and greeted before the first of them introduces itself."""
        world = 300
        rank_0 = self.start(0, world)
        guests = []
        for rank in range(1, world):
            session, s = words.Session(words.key_of_job(1), is_host=False), self.connect()
            s.sendall(words.greeting(session.public))
            guests.append((rank, session, s))
        for _, session, s in guests:
            session.agree(read_all(s, words.GREETING_BYTES))
        for rank, session, s in guests:
            s.sendall(session.seal(words.introduction(world, rank, 1)))
        gift = self.expect(rank_0, OK)[0].encode()
        for _, session, s in guests:
            heard = [session.open(read_all(s, words.ANSWER_BYTES + words.SEAL_BYTES)) for _ in range(2)]
            self.assertEqual(heard, [words.answer(words.WELCOME), words.answer(words.GIFT, gift)])

    def test_a_thousand_strangers_in_sequence(self):
        rank_0 = self.start(0, 2)
        for _ in range(1000):
            self.connect().close()
        self.expect_meeting([rank_0, self.start(1, 2)])

    def test_rubbish_is_let_go(self):
        rank_0 = self.start(0, 2)
        for rubbish in (b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\0" * 32, os.urandom(100000), words.greeting(bytes(32))):
            s = self.connect()
            try:
                s.sendall(rubbish)
            except ConnectionError:
                pass
            read_all(s, 1000)
        self.expect_meeting([rank_0, self.start(1, 2)])

    def test_one_byte_a_second_keeps_nobody(self):
        rank_0 = self.start(0, 2)
        strangers = self.connect(), self.connect()
        strangers[1].sendall(words.greeting(os.urandom(32)))
        stop = threading.Event()

        def drip():
            for byte in words.greeting(os.urandom(32)):
                try:
                    for s in strangers:
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


class InRank0sPlace(MeetingCase):
    """Whatever listens at rank 0's port without the secret hands nothing over; when it goes away, the ranks meet."""

    def expect_no_trust(self, answer, *why, **options):
        listener = self.serve(answer)
        self.expect(self.start(1, 2, timeout=TIMEOUT, secret=SECRET, **options), TIMED_OUT, "found no rank 0", *why)
        rank_1 = self.start(1, 2, secret=SECRET)
        time.sleep(0.5)
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        self.expect_meeting([self.start(0, 2, secret=SECRET), rank_1])

    def greet(self, s, key=None):
        """The guest's session as a host sees it, and its introduction."""
        session = words.Session(key or os.urandom(32), is_host=True)
        session.agree(read_all(s, words.GREETING_BYTES))
        s.sendall(words.greeting(session.public))
        return session, read_all(s, words.INTRODUCTION_BYTES + words.SEAL_BYTES)

    def test_another_server(self):
        self.expect_no_trust(lambda s: (s.sendall(b"220 mail.example.org ESMTP\r\n"), s.recv(100)), "is not rank 0")

    def test_a_server_that_hangs_up(self):
        self.expect_no_trust(lambda s: s.recv(100), "closed the connection")

    def test_another_version(self):
        self.expect_no_trust(lambda s: s.sendall(words.greeting(os.urandom(32), version=3)), "has version 3", "this rank 2")

    def test_an_impossible_key(self):
        self.expect_no_trust(lambda s: (s.sendall(words.greeting(bytes(32))), s.recv(100)), "did not prove")

    def test_answers_without_the_secret(self):
        def answer(s):
            session, _ = self.greet(s)
            s.sendall(session.seal(words.answer(words.WELCOME)) + session.seal(words.answer(words.GIFT, b"G" * 128)))

        self.expect_no_trust(answer, "did not prove")

    def test_answers_in_the_clear(self):
        def answer(s):
            self.greet(s)
            s.sendall(words.answer(words.GIFT, b"G" * 128) + bytes(16))

        self.expect_no_trust(answer, "did not prove")

    def test_refusals_without_the_secret(self):
        def answer(s):
            session, _ = self.greet(s)
            s.sendall(session.seal(words.answer(words.REFUSED, b"go away")))

        self.expect_no_trust(answer, "did not prove")

    def test_the_guests_own_words(self):
        def answer(s):
            greeting = read_all(s, words.GREETING_BYTES)
            s.sendall(greeting)
            introduction = read_all(s, words.INTRODUCTION_BYTES + words.SEAL_BYTES)
            s.sendall(introduction * 4)

        self.expect_no_trust(answer, "did not prove")

    def test_answers_of_an_earlier_meeting(self):
        recorder = Recorder(self)
        self.expect_meeting([self.start(0, 2, secret=SECRET), self.start(1, 2, secret=SECRET, port=recorder.port)])
        said = recorder.said[False]
        self.expect_no_trust(lambda s: (s.sendall(said), read_all(s, 1000)), "did not prove")

    def test_answers_in_another_order(self):
        """What rank 0 says second is not to be heard first, nor anything twice."""
        def second_first(s):
            session, _ = self.greet(s, words.key_of_secret(SECRET))
            session.sent = 1
            s.sendall(session.seal(words.answer(words.GIFT, b"G" * 128)))

        self.expect_no_trust(second_first, "did not prove")
        self.port = free_port()

        def welcome_twice(s):
            session, _ = self.greet(s, words.key_of_secret(SECRET))
            s.sendall(session.seal(words.answer(words.WELCOME)) * 2)

        self.serve(welcome_twice)
        self.expect(self.start(1, 2, secret=SECRET), NETWORK, "was changed on its way")

    def test_answers_that_are_changed(self):
        """Each bit of the gift's answer in turn would do; some are drawn."""
        heard = words.GREETING_BYTES + words.ANSWER_BYTES + words.SEAL_BYTES
        for position in (0, 16, 17, 18, 100, words.ANSWER_BYTES + words.SEAL_BYTES - 1):
            self.port = free_port()
            passed = [0]

            def change(data, from_guest):
                if from_guest:
                    return data
                at = heard + position - passed[0]
                passed[0] += len(data)
                return data[:at] + bytes([data[at] ^ 4]) + data[at + 1 :] if 0 <= at < len(data) else data

            recorder = Recorder(self, change)
            rank_1 = self.start(1, 2, secret=SECRET, port=recorder.port)
            self.expect(self.start(0, 2, secret=SECRET), OK)
            self.expect(rank_1, NETWORK, "was changed on its way")

    def test_rank_0s_words_are_cleaned(self):
        def answer(s):
            session, introduction = self.greet(s, words.key_of_secret(SECRET))
            self.assertEqual(session.open(introduction)[:16], words.introduction(2, 1, 1)[:16])
            s.sendall(session.seal(words.answer(words.REFUSED, b"\x1b[31mred\r\n\xff\0end")))

        self.serve(answer)
        self.expect(self.start(1, 2, secret=SECRET), REFUSED, "rank 0 refused rank 1: ?[31mred????end")

    def test_a_gift_of_another_size(self):
        def answer(s):
            session, _ = self.greet(s, words.key_of_secret(SECRET))
            s.sendall(session.seal(words.answer(words.WELCOME)) + session.seal(words.answer(words.GIFT, b"G" * 127)))

        self.serve(answer)
        self.expect(self.start(1, 2, secret=SECRET), NETWORK, "gave 127 bytes instead of 128")

    def test_a_server_that_says_nothing(self):
        self.serve(lambda s: time.sleep(30))
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT, "no answer")

    def test_a_server_that_greets_and_says_nothing(self):
        self.serve(lambda s: (self.greet(s), time.sleep(30)))
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT, "did not prove")

    def test_a_server_of_one_byte_a_second(self):
        def drip(s):
            for byte in words.greeting(os.urandom(32)):
                s.send(bytes([byte]))
                time.sleep(1)

        self.serve(drip)
        self.expect(self.start(1, 2, timeout=TIMEOUT), TIMED_OUT)

    def test_a_silent_server_at_the_first_of_two_addresses(self):
        """Does not keep from the second."""
        with socket.create_server(("127.0.0.5", self.port)) as silent:
            rank_1 = self.start(1, 2, host="rank0.test", NAMES="0 127.0.0.5 127.0.0.1")
            rank_0 = self.start(0, 2)
            self.expect_meeting([rank_0, rank_1])
            silent.accept()[0].close()

    def test_a_server_at_the_first_of_two_addresses_that_greets_and_is_silent(self):
        """Does not keep from the second either."""
        with socket.create_server(("127.0.0.5", self.port)) as listener:
            rank_1 = self.start(1, 2, host="rank0.test", NAMES="0 127.0.0.5 127.0.0.1")
            visitor = listener.accept()[0]
            visitor.sendall(words.greeting(os.urandom(32)))
            self.expect_meeting([self.start(0, 2), rank_1])
            visitor.close()


if __name__ == "__main__":
    unittest.main(verbosity=2)
