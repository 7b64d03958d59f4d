"""The ranks of a process group: one window over all of them, and their pictures on one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Any

from batchview._arrays import arrays_of
from batchview._errors import Error
from batchview._options import named_window
from batchview._options import options as make_options
from batchview.visualization import apply_window

# The steps of the extension module's selection_step, and its memory: counts, which ranks add up, and its own.
_BEGIN, _COUNT, _NARROW, _FINISH = range(4)
_COUNT_BYTES, _MEMORY_BYTES = 8192, 8448


class Group:
    """The ranks of one of PyTorch's process groups.

    Its functions are called by all ranks, in the same order, as PyTorch's own collective operations are; they are made of
    those, over whatever joins the ranks. On the CPU the ranks tell each other first what they call. On a GPU the work is on
    the current stream, and nothing is waited for; there TORCH_DISTRIBUTED_DEBUG=DETAIL finds calls that differ.

    Parameters
    ----------
    process_group : optional
        As ``torch.distributed.new_group`` makes it; without it that of all ranks. It must be initialised.

    Raises
    ------
    RuntimeError, ValueError
        There is no process group, or this rank is not in it.

    Examples
    --------
    >>> import torch
    >>> from batchview.distributed import Group, setup_ddp
    >>> distributed, device = setup_ddp(0, 1)
    >>> group = Group()
    >>> batch = torch.arange(16.0).reshape(1, 1, 4, 4)
    >>> group.measure_window(batch, 0, 100)
    tensor([[ 1., 15.]], dtype=torch.float64)
    >>> pictures = group.normalize_batch_for_display(batch, packing="rgb")
    >>> group.gather_pictures(pictures).shape
    torch.Size([1, 1, 4, 4, 3])
    >>> distributed.destroy_process_group()
    """

    def __init__(self, process_group: Any = None) -> None:
        import torch

        self._torch: Any = torch
        self._distributed: Any = torch.distributed
        self.process_group = process_group
        self.rank: int = self._distributed.get_rank(process_group)
        self.world_size: int = self._distributed.get_world_size(process_group)
        if self.rank < 0:
            raise ValueError("process_group is one that this rank is not in")

    def measure_window(
        self,
        tensor: Any,
        low: float = 2,
        high: float = 98,
        *,
        counts: bool = False,
        mask: Any = None,
        foreground: str | None = None,
        window: Any = "percentile",
    ) -> Any:
        """Measure one window over the pixels of all ranks, to the bits that one rank with all of them would get.

        Parameters
        ----------
        tensor : torch.Tensor [B, C, H, W]
            This rank's, with any number of images, also none; of the same element type on all ranks. No pixel leaves its rank.
        low, high, foreground, window
            As `batchview.visualization.measure_window`'s, the same on all ranks.
        mask : optional
            As there; the rank's own.
        counts : bool
            Also the number of pixels that were measured.

        Returns
        -------
        torch.Tensor
            float64 [1, 2], or [1, 3] with `counts`, the same on all ranks.

        Raises
        ------
        batchview.Error
            The ranks' calls differ, or another rank's call is wrong; on the CPU.
        ValueError, TypeError, MemoryError
            As `batchview.visualization.measure_window`.
        """

        window = named_window(window)

        def prepare() -> tuple[str, Callable[[], Any]]:
            if not isinstance(tensor, self._torch.Tensor):
                raise TypeError(f"tensor is {type(tensor)!r}; ranks of PyTorch's take its tensors")
            arrays = arrays_of(tensor)
            batch = arrays.prepare(tensor)
            options = make_options(low, high, mask, "batch", foreground, window, None, "truncate", 1e-8, 1e-3, "auto")
            windows = arrays.empty(batch, (1, 3 if counts else 2), "float64")
            memory = arrays.empty(batch, (_MEMORY_BYTES,), "uint8")
            sums = memory[:_COUNT_BYTES].view(self._torch.int64)
            binding, stream = arrays.binding(batch), arrays.stream(batch, None)
            digits = binding.selection_digits(batch) if isinstance(window, str) else 0

            def step(number: int, digit: int = 0) -> None:
                binding.selection_step(number, digit, batch, windows, memory, options, stream)

            def measure() -> Any:
                for digit in range(digits):
                    if digit > 0:
                        step(_COUNT, digit)
                    self._distributed.all_reduce(sums, group=self.process_group)
                    step(_NARROW, digit)
                step(_FINISH)
                return windows

            step(_BEGIN)
            step(_COUNT)  # what is wrong with the arguments shows here
            kind = "mask" if mask is not None else foreground
            return f"measure_window({batch.dtype}, {low=}, {high=}, foreground={kind!r}, {window=}, {counts=})", measure

        return self._together(tensor, prepare)

    def normalize_batch_for_display(
        self,
        tensor: Any,
        low: float = 2,
        high: float = 98,
        *,
        mask: Any = None,
        foreground: str | None = None,
        window: Any = "percentile",
        **options: Any,
    ) -> Any:
        """Map this rank's batch through the window of all ranks.

        Parameters
        ----------
        tensor, low, high, mask, foreground, window
            As `measure_window`'s.
        **options
            `out`, `dtype`, `packing`, `colormap`, `rounding`, `epsilon` and `floor` of
            `batchview.visualization.normalize_batch_for_display`; the rank's own.

        Returns
        -------
        torch.Tensor
            As there, of this rank's batch.

        Raises
        ------
        batchview.Error, ValueError, TypeError, MemoryError
            As `measure_window`.
        """
        window = named_window(window)
        windows = self.measure_window(tensor, low, high, mask=mask, foreground=foreground, window=window)
        shown = foreground or ("nonzero" if isinstance(window, str) else "all")
        return apply_window(tensor, windows, mask=mask, scope="batch", foreground=shown, **options)

    def gather_pictures(self, pictures: Any, counts: Any = None) -> Any:
        """Bring every rank's pictures to rank 0, in rank order.

        Parameters
        ----------
        pictures : torch.Tensor [N, ...]
            uint8; N may differ between ranks, and may be 0, the other extents are the same.
        counts : sequence of int, optional
            The N of every rank, if they are known; else the ranks exchange them, which waits for all.

        Returns
        -------
        torch.Tensor or None
            uint8 [sum of counts, ...] on rank 0, None on the others.

        Raises
        ------
        ValueError, TypeError
            Of pictures or counts that cannot be.
        batchview.Error
            The ranks' calls differ, or another rank's call is wrong; on the CPU.
        """

        def prepare() -> tuple[str, Callable[[], Any]]:
            if not isinstance(pictures, self._torch.Tensor) or pictures.dtype != self._torch.uint8 or pictures.ndim < 1:
                shown = f"{pictures.dtype} {list(pictures.shape)}" if hasattr(pictures, "dtype") else repr(type(pictures))
                raise TypeError(f"pictures is {shown}; it must be a tensor of uint8 [N, ...]")
            known = None if counts is None else [int(count) for count in counts]
            if known is not None and (len(known) != self.world_size or known[self.rank] != len(pictures)):
                raise ValueError(
                    f"counts is {known}; it must be {self.world_size} numbers, that of rank {self.rank} {len(pictures)}"
                )
            extents = "".join(f", {extent}" for extent in pictures.shape[1:])
            through = pictures.cpu() if pictures.is_cuda and self._is_gloo() else pictures

            def gather() -> Any:
                gathered = self._gather(through, known)
                return gathered if gathered is None else gathered.to(pictures.device)

            return f"gather_pictures([N{extents}], counts={known})", gather

        return self._together(pictures, prepare)

    def _gather(self, pictures: Any, counts: list[int] | None) -> Any:
        if counts is None:
            mine = self._torch.tensor([len(pictures)], device=pictures.device)
            everyones = [self._torch.empty_like(mine) for _ in range(self.world_size)]
            self._distributed.all_gather(everyones, mine, group=self.process_group)
            counts = [int(count) for count in everyones]
        transfers, gathered = [], None
        if self.rank == 0:
            gathered = pictures.new_empty((sum(counts), *pictures.shape[1:]))
            for rank, part in enumerate(gathered.split(counts)):
                if rank == 0:
                    part.copy_(pictures)
                elif part.numel() > 0:
                    transfers.append(self._transfer(self._distributed.irecv, part, rank))
        elif pictures.numel() > 0:
            transfers.append(self._transfer(self._distributed.isend, pictures.contiguous(), 0))
        for work in self._distributed.batch_isend_irecv(transfers) if transfers else []:
            work.wait()
        return gathered

    def _is_gloo(self) -> bool:
        """Gloo adds device tensors up, but sends and receives those of the host alone."""
        return bool(self._distributed.get_backend(self.process_group) == "gloo")

    def _transfer(self, operation: Any, tensor: Any, rank: int) -> Any:
        peer = rank if self.process_group is None else self._distributed.get_global_rank(self.process_group, rank)
        return self._distributed.P2POp(operation, tensor, peer, group=self.process_group)

    def _together(self, tensor: Any, prepare: Callable[[], tuple[str, Callable[[], Any]]]) -> Any:
        """Prepares a call, and makes it if all ranks make the same; a rank that fails tells the others."""
        failure: Exception | None = None
        try:
            description, call = prepare()
        except Exception as error:
            failure, description = error, f"{type(error).__name__}: {error}"
        if self.world_size > 1 and not getattr(tensor, "is_cuda", False):
            self._compare(description, failure is not None)
        if failure is not None:
            raise failure
        return call()

    def _compare(self, description: str, failed: bool) -> None:
        key = int.from_bytes(hashlib.blake2b(description.encode(), digest_size=7).digest(), "little")
        extremes = self._torch.tensor([key, -key, int(failed)])
        self._distributed.all_reduce(extremes, self._distributed.ReduceOp.MAX, group=self.process_group)
        greatest, least, failures = extremes.tolist()
        if greatest == -least and not failures:
            return
        calls: list[str] = [""] * self.world_size
        self._distributed.all_gather_object(calls, description, group=self.process_group)
        if not failed:
            said = "; ".join(f"rank {rank}: {call}" for rank, call in enumerate(calls))
            raise Error(f"the ranks' calls differ, and none is made: {said}")
