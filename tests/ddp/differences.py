"""Ranks whose calls differ: `group_rank disagree`, over whatever joins them."""
from job import AMPLE
from statuses import GROUP, MISMATCH, NULL, OK, TYPE, VALUE


class Differences:
    # The case, and what all ranks are told. Rank 1 is the one that differs.
    DIFFERENCES = {
        "dtype": ["bv_ddp_measure_window: batch.dtype is u8 on rank 1, but f32 on rank 0"],
        "wide": ["batch.dtype is f64 on rank 1, but f32 on rank 0"],
        "minmax": ["options->window is BV_WINDOW_MINMAX on rank 1, but BV_WINDOW_PERCENTILE on rank 0"],
        "low": ["options->low is 10 on rank 1, but 2 on rank 0"],
        "high": ["bv_ddp_normalize_batch_for_display: options->high is 90 on rank 1, but 98 on rank 0"],
        "foreground": ["options->foreground is BV_FOREGROUND_ALL on rank 1, but BV_FOREGROUND_NONZERO on rank 0"],
        "lo": ["options->lo is -1 on rank 1, but 0 on rank 0"],
        "hi": ["options->hi is 2 on rank 1, but 0 on rank 0"],
        "rounding": ["options->rounding is BV_ROUNDING_NEAREST on rank 1, but BV_ROUNDING_TRUNCATE on rank 0"],
        "epsilon": ["options->epsilon is 1 on rank 1, but 1e-08 on rank 0"],
        "floor": ["options->floor is 0.5 on rank 1, but 0.001 on rank 0"],
        "colours": ["options->colour_map is one with the hash ", " on rank 1, but NULL on rank 0"],
        "operation": ["rank 1 calls bv_ddp_normalize_batch_for_display, but rank 0 calls bv_ddp_measure_window"],
        "barrier": ["rank 1 calls bv_ddp_barrier, but rank 0 calls bv_ddp_measure_window"],
        "exchange": ["rank 1 calls bv_ddp_exchange_counts, but rank 0 calls bv_ddp_gather_pictures"],
        "shape": ["the shape of pictures is [N, 5, 5] on rank 1, but [N, 4, 4] on rank 0"],
        "counts": ["the hash of counts is ", " on rank 1, but "],
        "late": ["options->low is 10 on rank 1"],
        "graph": ["options->low is 10 on rank 1"],
        "finish": ["rank 1 calls bv_ddp_finish, but rank 0 calls bv_ddp_barrier"],
    }
    # The case, and what rank 1 itself and the others are told.
    FAILURES = {
        "wrong": (VALUE, ["options.low is 101"], ["bv_ddp_measure_window: rank 1 cannot take part", "value out of range (status 5 there)"]),
        "null": (NULL, ["batch is NULL"], ["bv_ddp_normalize_batch_for_display: rank 1 cannot take part", "(status 1 there)"]),
        "negative": (VALUE, ["count is -1"], ["bv_ddp_exchange_counts: rank 1 cannot take part"]),
        "untyped": (TYPE, ["pictures.dtype is f32"], ["bv_ddp_gather_pictures: rank 1 cannot take part"]),
    }

    def test_ranks_that_disagree(self):
        within = 5  # of a timeout of AMPLE
        world = 3
        job = self.run_job(world, "disagree", AMPLE)
        for rank in range(world):
            for case, words in self.DIFFERENCES.items():
                if case == "graph" and self.goes_on:
                    continue
                with self.subTest(case=case, rank=rank):
                    self.expect(job, rank, case, [MISMATCH], within, words)
                    if case != "finish":
                        self.expect(job, rank, case + "-again", [OK if self.goes_on else GROUP])
                    if case not in ("finish", "late") and self.goes_on:
                        self.assertEqual(self.line(job, rank, case + "-written")[0], 0, "outputs were written")
            for case, (status, words, others) in self.FAILURES.items():
                with self.subTest(case=case, rank=rank):
                    self.expect(job, rank, case, [status if rank == 1 else MISMATCH], within, words if rank == 1 else others)
                    self.expect(job, rank, case + "-again", [OK if self.goes_on else GROUP if rank != 1 else MISMATCH])
            for case, status in (("unused", OK), ("zero", OK), ("all_wrong", VALUE)):
                with self.subTest(case=case, rank=rank):
                    self.expect(job, rank, case, [status], within)
                    self.expect(job, rank, case + "-again", [OK])
            if rank != 1:
                self.expect(job, rank, "again", [GROUP], within, ["broken"])
