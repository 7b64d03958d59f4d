"""What is raised besides ValueError, TypeError, MemoryError and TimeoutError."""


class Error(RuntimeError):
    """CUDA, NCCL or MPI failed, or this build has not what the call needs. The message says which and how."""
