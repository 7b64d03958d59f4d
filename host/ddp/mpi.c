/* The backend of CPU ranks. Collectives are the non-blocking ones, tested until the deadline, and work on
 * buffers of the library: MPI cannot take a started one back, so that what is cut short must not touch the
 * caller's memory. Such a buffer is left to MPI. */
#include <mpi.h>
#include <stdlib.h>
#include <string.h>

#include "batchview/selection.h"
#include "group.h"

/* MPI writes into it as long as something is under way: then it is left to MPI as well. */
typedef struct mpi_connection {
  MPI_Comm comm;                         /* our own */
  bool dirty;                            /* something was started on it that did not end */
  uint64_t numbers[BV_SELECTION_COUNTS]; /* to be summed */
  ddp_call mine, calls[];                /* world_size of them */
} mpi_connection;

/* ---- Results and waiting ------------------------------------------------------------------------------- */

/* The one place where results of MPI become statuses. */
static bv_status check(int result, const char *what) {
  if (result == MPI_SUCCESS)
    return BV_OK;
  char text[MPI_MAX_ERROR_STRING] = "";
  int length = 0;
  if (MPI_Error_string(result, text, &length) != MPI_SUCCESS)
    text[0] = '\0';
  return ddp_fail(BV_DDP_ERROR_MPI, "%s: %s (MPI error %d)", what, text, result);
}

static bv_status wait_until(MPI_Request *request, ddp_time deadline, double timeout_seconds, const char *what) {
  ddp_pause pause = DDP_PAUSE_LOCAL;
  for (;;) {
    int done = 0;
    DDP_TRY(check(MPI_Test(request, &done, MPI_STATUS_IGNORE), what));
    if (done)
      return BV_OK;
    if (ddp_has_passed(deadline))
      return ddp_fail(BV_DDP_ERROR_TIMEOUT, "%s: not all ranks took part within %g s", what, timeout_seconds);
    ddp_sleep(&pause);
  }
}

/* Waits for what `started` began. Breaks the group on failure. */
static bv_status end_step(bv_ddp_group *group, int started, MPI_Request *request, ddp_time deadline,
                          const char *what) {
  mpi_connection *connection = group->connection;
  bv_status status = check(started, what);
  if (status == BV_OK)
    status = wait_until(request, deadline, group->timeout_seconds, what);
  if (status == BV_OK)
    return BV_OK;
  connection->dirty = true;
  return ddp_break(group, status);
}

/* ---- Operations ---------------------------------------------------------------------------------------- */

static bool is_anyone_finishing(const mpi_connection *connection, int world_size) {
  for (int rank = 0; rank < world_size; ++rank)
    if (connection->calls[rank].operation == DDP_FINISH)
      return true;
  return false;
}

/* Every operation begins with this one message of one size, and goes on only if all ranks call the same: MPIs
 * may end the process, or write beyond a buffer, where ranks' collectives differ. After a difference the ranks
 * are in step, and the group may be used, unless one of them has left. */
static bv_status announce(bv_ddp_group *group, const ddp_call *call, bv_stream stream) {
  (void)stream;
  mpi_connection *connection = group->connection;
  const int bytes = (int)sizeof *call;
  MPI_Request request;
  if (!ddp_mpi_is_running()) /* MPI itself would end the process */
    return ddp_break(group, ddp_fail(BV_DDP_ERROR_BACKEND, "MPI was finalised before the group's last call"));
  connection->mine = *call;
  int started = MPI_Iallgather(&connection->mine, bytes, MPI_BYTE, connection->calls, bytes, MPI_BYTE,
                               connection->comm, &request);
  DDP_TRY(end_step(group, started, &request, ddp_group_deadline(group), ddp_operation_name(call->operation)));
  int other = ddp_find_difference(connection->calls, group->world_size);
  if (other == group->world_size)
    return BV_OK;
  if (is_anyone_finishing(connection, group->world_size))
    group->broken = true;
  return ddp_report_difference(&connection->calls[0], &connection->calls[other], other);
}

static bv_status meet(bv_ddp_group *group, const ddp_call *call, int64_t *counts) {
  const mpi_connection *connection = group->connection;
  DDP_TRY(announce(group, call, NULL));
  for (int rank = 0; rank < group->world_size && counts; ++rank)
    counts[rank] = connection->calls[rank].count;
  return BV_OK;
}

static bv_status sum(bv_ddp_group *group, uint64_t *numbers, size_t count, bv_stream stream) {
  (void)stream;
  mpi_connection *connection = group->connection;
  MPI_Request request;
  memcpy(connection->numbers, numbers, count * sizeof *numbers);
  int started = MPI_Iallreduce(MPI_IN_PLACE, connection->numbers, (int)count, MPI_UINT64_T, MPI_SUM,
                               connection->comm, &request);
  DDP_TRY(end_step(group, started, &request, ddp_group_deadline(group), "summing over the ranks"));
  memcpy(numbers, connection->numbers, count * sizeof *numbers);
  return BV_OK;
}

/* Between rank 0 and one other rank, piece by piece: `mine` on the other, `all` on rank 0. */
static bv_status transfer(bv_ddp_group *group, int rank, const char *mine, char *all, int64_t bytes,
                          char *buffer, int64_t buffer_bytes, ddp_time deadline) {
  MPI_Comm comm = ((mpi_connection *)group->connection)->comm;
  for (int64_t done = 0; done < bytes;) {
    int64_t left = bytes - done;
    int piece = (int)(left < buffer_bytes ? left : buffer_bytes);
    MPI_Request request;
    int started;
    if (group->rank == 0) {
      started = MPI_Irecv(buffer, piece, MPI_BYTE, rank, 0, comm, &request);
    } else {
      memcpy(buffer, mine + done, (size_t)piece);
      started = MPI_Isend(buffer, piece, MPI_BYTE, 0, 0, comm, &request);
    }
    DDP_TRY(end_step(group, started, &request, deadline, "gathering pictures"));
    if (group->rank == 0)
      memcpy(all + done, buffer, (size_t)piece);
    done += piece;
  }
  return BV_OK;
}

static bv_status gather(bv_ddp_group *group, const void *mine, const int64_t *bytes, void *all,
                        bv_stream stream) {
  (void)stream;
  const int64_t buffer_bytes = 1 << 22;
  ddp_time deadline = ddp_group_deadline(group);
  char *buffer = malloc((size_t)buffer_bytes);
  if (!buffer)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for a buffer of %lld bytes", (long long)buffer_bytes);
  if (group->rank != 0) {
    /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): what is cut short is left to MPI */
    DDP_TRY(transfer(group, group->rank, mine, NULL, bytes[group->rank], buffer, buffer_bytes, deadline));
  } else {
    char *next = all;
    if (bytes[0] > 0)
      memcpy(next, mine, (size_t)bytes[0]);
    for (int rank = 1; rank < group->world_size; ++rank) {
      next += bytes[rank - 1];
      /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): as above */
      DDP_TRY(transfer(group, rank, NULL, next, bytes[rank], buffer, buffer_bytes, deadline));
    }
  }
  free(buffer);
  return BV_OK;
}

static bv_status wait(bv_ddp_group *group, bv_stream stream) {
  (void)group, (void)stream;
  return BV_OK;
}

/* Freeing a communicator is collective and knows no deadline: only where all ranks have just said goodbye. */
static bv_status say_goodbye(bv_ddp_group *group) {
  mpi_connection *connection = group->connection;
  DDP_TRY(ddp_say_goodbye(group));
  return check(MPI_Comm_free(&connection->comm), "freeing the group's communicator");
}

/* What is not freed is left to MPI. */
static bv_status leave(bv_ddp_group *group, bool clean) {
  mpi_connection *connection = group->connection;
  int finalized = 0;
  MPI_Finalized(&finalized);
  bv_status status = !finalized && clean && !connection->dirty ? say_goodbye(group) : BV_OK;
  if (!connection->dirty)
    free(connection);
  group->connection = group->communicator = NULL;
  return status;
}

/* ---- Joining ------------------------------------------------------------------------------------------- */

bool ddp_mpi_is_running(void) {
  int initialized = 0, finalized = 0;
  return MPI_Initialized(&initialized) == MPI_SUCCESS && initialized &&
         MPI_Finalized(&finalized) == MPI_SUCCESS && !finalized;
}

static MPI_Comm comm_of(const void *mpi_comm) {
  return mpi_comm ? *(const MPI_Comm *)mpi_comm : MPI_COMM_WORLD;
}

/* The caller's communicator, on which errors are results until it is given back, and do not end the process. */
typedef struct borrowed_comm {
  MPI_Comm comm;
  MPI_Errhandler handler;
} borrowed_comm;

static bv_status borrow(const void *mpi_comm, borrowed_comm *borrowed) {
  const char *what = "changing the error handler of options->mpi_comm";
  *borrowed = (borrowed_comm){MPI_COMM_NULL, MPI_ERRHANDLER_NULL};
  if (!ddp_mpi_is_running())
    return ddp_fail(BV_DDP_ERROR_BACKEND,
                    "MPI is not initialised (or already finalised): call MPI_Init before bv_setup_ddp");
  borrowed->comm = comm_of(mpi_comm);
  if (borrowed->comm == MPI_COMM_NULL)
    return ddp_fail(BV_ERROR_VALUE,
                    "options->mpi_comm is MPI_COMM_NULL; it must be a communicator of this process");
  DDP_TRY(check(MPI_Comm_get_errhandler(borrowed->comm, &borrowed->handler), what));
  bv_status status = check(MPI_Comm_set_errhandler(borrowed->comm, MPI_ERRORS_RETURN), what);
  if (status != BV_OK)
    MPI_Errhandler_free(&borrowed->handler);
  return status;
}

static void give_back(borrowed_comm *borrowed) {
  MPI_Comm_set_errhandler(borrowed->comm, borrowed->handler);
  MPI_Errhandler_free(&borrowed->handler);
}

static bv_status ask_who(MPI_Comm comm, int *rank, int *world_size) {
  int is_between_groups;
  DDP_TRY(check(MPI_Comm_test_inter(comm, &is_between_groups), "asking MPI what options->mpi_comm is"));
  if (is_between_groups)
    return ddp_fail(BV_ERROR_VALUE,
                    "options->mpi_comm is an intercommunicator; it must be an intracommunicator");
  DDP_TRY(check(MPI_Comm_rank(comm, rank), "asking MPI for the rank"));
  return check(MPI_Comm_size(comm, world_size), "asking MPI for the number of ranks");
}

bv_status ddp_mpi_identify(const void *mpi_comm, int *rank, int *world_size) {
  borrowed_comm parent;
  DDP_TRY(borrow(mpi_comm, &parent));
  bv_status status = ask_who(parent.comm, rank, world_size);
  give_back(&parent);
  return status;
}

/* A communicator of our own, so that our messages meet nobody else's, on which errors are results too. */
static bv_status duplicate(const void *mpi_comm, MPI_Comm *comm, ddp_time deadline, double timeout_seconds) {
  borrowed_comm parent;
  MPI_Request request;
  const char *what = "making a communicator of all ranks";
  DDP_TRY(borrow(mpi_comm, &parent));
  bv_status status = check(MPI_Comm_idup(parent.comm, comm, &request), what);
  if (status == BV_OK)
    status = wait_until(&request, deadline, timeout_seconds, what);
  give_back(&parent);
  DDP_TRY(status);
  return check(MPI_Comm_set_errhandler(*comm, MPI_ERRORS_RETURN), what);
}

bv_status ddp_mpi_join(bv_ddp_group *group, const void *mpi_comm, ddp_time deadline) {
  static const ddp_backend mpi = {BV_DDP_BACKEND_MPI, announce, meet, sum, gather, wait, leave};
  /* MPI writes the communicator when all ranks are there: if that is after the deadline, it must still be ours.
   */
  mpi_connection *connection =
      calloc(1, sizeof *connection + (size_t)group->world_size * sizeof connection->calls[0]);
  if (!connection)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for a connection");
  /* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): left to MPI */
  DDP_TRY(duplicate(mpi_comm, &connection->comm, deadline, group->timeout_seconds));
  group->backend = &mpi;
  group->connection = connection;
  group->communicator = &connection->comm;
  return BV_OK;
}

typedef struct shared_id {
  MPI_Comm comm;
  struct {
    bv_ddp_id id;
    unsigned char is_made;
  } message;
} shared_id;

/* Every rank has all places and comes to the same verdict. */
static bv_status find_shared_gpu(const ddp_place *places, int world_size) {
  for (int rank = 1; rank < world_size; ++rank)
    for (int other = 0; other < rank; ++other)
      if (ddp_is_same_gpu(&places[rank], &places[other])) {
        char reason[256];
        ddp_say_shared(rank, other, &places[rank], reason, sizeof reason);
        return ddp_fail(BV_ERROR_DEVICE, "%s", reason);
      }
  return BV_OK;
}

static bv_status compare_places(MPI_Comm comm, int rank, const ddp_place *place, ddp_time deadline,
                                double timeout_seconds) {
  const char *what = "comparing the ranks' GPUs";
  int world_size;
  DDP_TRY(check(MPI_Comm_size(comm, &world_size), what));
  ddp_place *places = calloc((size_t)world_size, sizeof *places); /* left to MPI at the deadline */
  if (!places)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for the places of %d ranks", world_size);
  places[rank] = *place;
  MPI_Request request;
  /* NOLINTBEGIN(clang-analyzer-unix.Malloc): left to MPI */
  DDP_TRY(check(
      MPI_Iallgather(MPI_IN_PLACE, 0, MPI_DATATYPE_NULL, places, sizeof *places, MPI_BYTE, comm, &request),
      what));
  DDP_TRY(wait_until(&request, deadline, timeout_seconds, what));
  /* NOLINTEND(clang-analyzer-unix.Malloc) */
  bv_status status = find_shared_gpu(places, world_size);
  free(places);
  return status;
}

bv_status ddp_mpi_share_id(const void *mpi_comm, int rank, const ddp_place *place, bv_ddp_id *id,
                           ddp_time deadline, double timeout_seconds) {
  const char *what = "broadcasting rank 0's id";
  shared_id *shared = calloc(1, sizeof *shared); /* left to MPI at the deadline, as above */
  if (!shared)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for an id");
  /* NOLINTBEGIN(clang-analyzer-unix.Malloc): left to MPI */
  MPI_Request request;
  DDP_TRY(duplicate(mpi_comm, &shared->comm, deadline, timeout_seconds));
  bv_status compared = compare_places(shared->comm, rank, place, deadline, timeout_seconds);
  if (compared == BV_ERROR_DEVICE) { /* all ranks come to it, and free it together */
    MPI_Comm_free(&shared->comm);
    free(shared);
  }
  DDP_TRY(compared);
  bv_status made = rank == 0 ? ddp_nccl_make_id(&shared->message.id) : BV_OK;
  shared->message.is_made = made == BV_OK; /* if not, the others are told at once */
  DDP_TRY(
      check(MPI_Ibcast(&shared->message, sizeof shared->message, MPI_BYTE, 0, shared->comm, &request), what));
  DDP_TRY(wait_until(&request, deadline, timeout_seconds, what));
  /* NOLINTEND(clang-analyzer-unix.Malloc) */
  bool is_made = shared->message.is_made;
  *id = shared->message.id;
  bv_status status = check(MPI_Comm_free(&shared->comm), what);
  free(shared);
  if (made != BV_OK)
    return made;
  if (!is_made)
    return ddp_fail(BV_DDP_ERROR_PEER, "rank 0 could not make an id");
  return status;
}
