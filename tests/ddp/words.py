"""The words of the TCP meeting once more, from their description in host/ddp/handshake.h and seal.h: for guests and
hosts that are none of the library's. BLAKE2b is Python's; X25519 and the box are libsodium's."""
import ctypes
import ctypes.util
import hashlib
import os
import struct

MAGIC, VERSION = b"bvmeet\r\n", 2
GREETING_BYTES, INTRODUCTION_BYTES, ANSWER_BYTES, SEAL_BYTES = 42, 64, 257, 16
WELCOME, GIFT, REFUSED, GAVE_UP, LOST, SHARED_GPU = range(1, 7)

sodium = ctypes.CDLL(ctypes.util.find_library("sodium"))
assert sodium.sodium_init() >= 0


def key_of_secret(secret):
    return hashlib.blake2b(secret.encode() + b"\0", key=b"batchview meeting: secret", digest_size=32).digest()


def key_of_job(job):
    return hashlib.blake2b(str(job).encode() + b"\0", key=b"batchview meeting: job id", digest_size=32).digest()


def greeting(public, version=VERSION):
    return MAGIC + struct.pack(">H", version) + public


def introduction(world, rank, job, host=b"\x44" * 16, gpu=None, name=b"\x44" * 16):
    return struct.pack(">IIQ", world, rank, job) + host + (gpu or os.urandom(16)) + name


def answer(kind, body=b""):
    return (bytes([kind, len(body)]) + body).ljust(ANSWER_BYTES, b"\0")


class Session:
    """One side of one connection."""

    def __init__(self, key, is_host):
        self.key, self.is_host = key, is_host
        self.secret, self.public = os.urandom(32), bytes(32)
        sodium.crypto_scalarmult_base(self.public, self.secret)
        self.sent = self.received = 0

    def agree(self, their_greeting):
        theirs, common = their_greeting[10:], bytes(32)
        assert their_greeting[:10] == MAGIC + struct.pack(">H", VERSION)
        assert sodium.crypto_scalarmult(common, self.secret, theirs) == 0
        publics = theirs + self.public if self.is_host else self.public + theirs
        keys = hashlib.blake2b(common + publics, key=self.key, digest_size=64).digest()
        to_host, to_guest = keys[:32], keys[32:]
        self.sending, self.receiving = (to_guest, to_host) if self.is_host else (to_host, to_guest)

    def seal(self, message):
        sealed = bytes(len(message) + SEAL_BYTES)
        nonce = struct.pack("<Q", self.sent).ljust(24, b"\0")
        assert sodium.crypto_secretbox_easy(sealed, message, ctypes.c_ulonglong(len(message)), nonce, self.sending) == 0
        self.sent += 1
        return sealed

    def open(self, sealed):
        """None if it does not."""
        message = bytes(len(sealed) - SEAL_BYTES)
        nonce = struct.pack("<Q", self.received).ljust(24, b"\0")
        self.received += 1
        if sodium.crypto_secretbox_open_easy(message, sealed, ctypes.c_ulonglong(len(sealed)), nonce, self.receiving):
            return None
        return message
