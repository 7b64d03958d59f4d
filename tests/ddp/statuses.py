"""The statuses of calls, as batchview.h and ddp.h number them."""
OK, NULL, TYPE, VALUE, DEVICE, MEMORY, CUDA, ENVIRONMENT, TIMED_OUT, PEER, GROUP, NCCL, MISMATCH = 0, 1, 3, 5, 6, 9, 10, 17, 20, 21, 22, 25, 26
