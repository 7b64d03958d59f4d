/* Groups: setting up, waiting, and the end. */
#include "group.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "device.h"
#include "environment.h"
#include "meet.h"

/* ---- Options ------------------------------------------------------------------------------------------- */

static bv_status check_choice(const char *name, int32_t value, int32_t last, const char *names) {
  if (value >= 0 && value <= last)
    return BV_OK;
  return ddp_fail(BV_ERROR_VALUE, "options->%s is %d; allowed are 0 to %d (%s)", name, value, last, names);
}

static bv_status read_options(const bv_ddp_options *given, bv_ddp_options *options) {
  *options = (bv_ddp_options)BV_DDP_OPTIONS_INIT;
  if (!given)
    return BV_OK;
  if (given->struct_size != sizeof *options)
    return ddp_fail(BV_ERROR_VALUE,
                    "options->struct_size is %zu; this library knows %zu: start from BV_DDP_OPTIONS_INIT",
                    given->struct_size, sizeof *options);
  *options = *given;
  DDP_TRY(check_choice("backend", options->backend, BV_DDP_BACKEND_NONE, "auto, nccl, mpi, none"));
  DDP_TRY(check_choice("meet", options->meet, BV_DDP_MEET_TCP, "auto, id, mpi, tcp"));
  if (options->device < BV_DDP_DEVICE_AUTO)
    return ddp_fail(BV_ERROR_DEVICE,
                    "options->device is %d; allowed are BV_DDP_DEVICE_AUTO (%d), BV_CPU (%d) and CUDA "
                    "ordinals from 0",
                    options->device, BV_DDP_DEVICE_AUTO, BV_CPU);
  if (options->port < 0 || options->port > 65535)
    return ddp_fail(BV_ERROR_VALUE,
                    "options->port is %d; allowed are 1 to 65535, and 0 for one made from the job's id",
                    options->port);
  if (!(options->timeout_seconds > 0) || isinf(options->timeout_seconds))
    return ddp_fail(BV_ERROR_VALUE, "options->timeout_seconds is %g; it must be finite and above 0",
                    options->timeout_seconds);
  if (options->meet == BV_DDP_MEET_ID && !options->id)
    return ddp_fail(BV_ERROR_NULL, "options->id is NULL; BV_DDP_MEET_ID needs one");
  return BV_OK;
}

static bv_status choose_backend(const bv_ddp_options *options, int world_size, int32_t *backend) {
  *backend = options->backend;
  if (*backend == BV_DDP_BACKEND_NONE && world_size > 1)
    return ddp_fail(BV_ERROR_VALUE,
                    "options->backend is BV_DDP_BACKEND_NONE, but world_size is %d; it joins 1 rank only",
                    world_size);
  if (*backend == BV_DDP_BACKEND_MPI && options->device >= 0)
    return ddp_fail(BV_ERROR_DEVICE,
                    "options->device is %d, but MPI joins CPU ranks: allowed are BV_DDP_DEVICE_AUTO (%d) and "
                    "BV_CPU (%d)",
                    options->device, BV_DDP_DEVICE_AUTO, BV_CPU);
  if (*backend == BV_DDP_BACKEND_NCCL && options->device == BV_CPU)
    return ddp_fail(BV_ERROR_DEVICE,
                    "options->device is BV_CPU (%d), but NCCL joins GPU ranks: allowed are "
                    "BV_DDP_DEVICE_AUTO (%d) and CUDA ordinals from 0",
                    BV_CPU, BV_DDP_DEVICE_AUTO);
  if (*backend != BV_DDP_BACKEND_AUTO)
    return BV_OK;
  /* Not to the CPU because of devices that are there and cannot be used. */
  int devices = 0;
  if (options->device != BV_CPU)
    DDP_TRY(ddp_device_count(&devices));
  if (world_size == 1)
    *backend = BV_DDP_BACKEND_NONE;
  else if (ddp_nccl_is_built() && (devices > 0 || options->device >= 0))
    *backend = BV_DDP_BACKEND_NCCL;
  else
    *backend = BV_DDP_BACKEND_MPI;
  return BV_OK;
}

/* The ordinal of a rank whose launcher gives a local rank. More ranks than devices on a host are either each
 * shown devices of its own, or too many: it comes out when they meet. */
static int32_t choose_by_local_rank(int local_rank, int devices, int32_t *choice) {
  *choice = local_rank < devices ? BV_DDP_CHOICE_LOCAL_RANK : BV_DDP_CHOICE_PRIVATE_VIEW;
  return local_rank % devices;
}

static bv_status choose_device(const bv_ddp_options *options, const ddp_launch *launch, int32_t backend,
                               int32_t *device, int32_t *choice) {
  int devices;
  *device = BV_CPU;
  *choice = BV_DDP_CHOICE_NONE;
  if (backend == BV_DDP_BACKEND_MPI || options->device == BV_CPU)
    return BV_OK;
  DDP_TRY(ddp_device_count(&devices));
  if (backend == BV_DDP_BACKEND_NONE && options->device < 0 && devices == 0)
    return BV_OK;
  if (devices == 0)
    return ddp_fail(BV_ERROR_DEVICE, "rank %d needs a CUDA device, but there is none here", launch->rank);
  if (options->device >= devices)
    return ddp_fail(BV_ERROR_DEVICE, "options->device is %d, but the number of CUDA devices is %d",
                    options->device, devices);
  if (options->device >= 0) {
    *choice = BV_DDP_CHOICE_GIVEN;
    *device = options->device;
  } else if (launch->local_rank >= 0) {
    *device = choose_by_local_rank(launch->local_rank, devices, choice);
  } else {
    *choice = BV_DDP_CHOICE_RANK;
    *device = launch->rank % devices;
  }
  return BV_OK;
}

/* ---- Meeting ------------------------------------------------------------------------------------------- */

static bool is_mpi_the_same_ranks(const bv_ddp_options *options, const ddp_launch *launch) {
  int rank, world_size;
  return ddp_mpi_is_running() && ddp_mpi_identify(options->mpi_comm, &rank, &world_size) == BV_OK &&
         rank == launch->rank && world_size == launch->world_size;
}

static bv_status make_id(void *id) { return ddp_nccl_make_id(id); }

static bv_status meet_over_tcp(const bv_ddp_options *options, const ddp_launch *launch, const ddp_place *place,
                               ddp_time deadline, bv_ddp_id *id) {
  char host[DDP_HOST_BYTES];
  DDP_TRY(ddp_find_host(options, host));
  if (!*host)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                    "MASTER_ADDR is not set (nor options->address): it must be the name or address "
                    "of rank 0's host");
  ddp_meeting meeting = {.rank = launch->rank,
                         .world_size = launch->world_size,
                         .job = launch->job,
                         .place = *place,
                         .host = host,
                         .port = launch->port,
                         .deadline = deadline,
                         .timeout_seconds = options->timeout_seconds};
  DDP_TRY(ddp_read_key(options, meeting.key, &meeting.has_secret));
  bv_status status = launch->rank == 0 ? ddp_meet_as_host(&meeting, make_id, id, sizeof *id)
                                       : ddp_meet_as_guest(&meeting, id, sizeof *id);
  ddp_wipe(&meeting, sizeof meeting);
  return status;
}

static bv_status meet(const bv_ddp_options *options, const ddp_launch *launch, int32_t device,
                      ddp_time deadline, bv_ddp_id *id) {
  int32_t way = options->meet;
  ddp_place place;
  if (way == BV_DDP_MEET_AUTO)
    way = options->id                              ? BV_DDP_MEET_ID
          : is_mpi_the_same_ranks(options, launch) ? BV_DDP_MEET_MPI
                                                   : BV_DDP_MEET_TCP;
  memset(id, 0, sizeof *id);
  if (way == BV_DDP_MEET_ID) {
    *id = *options->id;
    return BV_OK;
  }
  if (launch->world_size == 1)
    return ddp_nccl_make_id(id);
  DDP_TRY(ddp_find_place(device, &place));
  return way == BV_DDP_MEET_MPI
             ? ddp_mpi_share_id(options->mpi_comm, launch->rank, &place, id, deadline, options->timeout_seconds)
             : meet_over_tcp(options, launch, &place, deadline, id);
}

/* ---- Setting up ---------------------------------------------------------------------------------------- */

/* Who this is, where the caller leaves it open and has initialised MPI. A communicator that the caller names
 * counts whatever else is said; that of all processes must agree with the launcher, whose variables may be
 * another's. */
static bv_status ask_mpi(const bv_ddp_options *options, int *rank, int *world_size, ddp_failure *objection) {
  if (!options->mpi_comm && !ddp_mpi_is_running())
    return BV_OK;
  DDP_TRY(ddp_mpi_identify(options->mpi_comm, rank, world_size));
  if (!options->mpi_comm)
    ddp_keep_failure(ddp_check_launcher_agrees(*rank, *world_size), objection);
  return BV_OK;
}

static bv_status check_mpi_ranks(const bv_ddp_options *options, const ddp_launch *launch) {
  int rank, world_size;
  DDP_TRY(ddp_mpi_identify(options->mpi_comm, &rank, &world_size));
  if (rank == launch->rank && world_size == launch->world_size)
    return BV_OK;
  return ddp_fail(
      BV_DDP_ERROR_RANK,
      "this is to be rank %d of %d, but in MPI it is rank %d of %d: start the ranks with the mpirun "
      "(mpiexec) of the MPI that the program uses, or leave both -1",
      launch->rank, launch->world_size, rank, world_size);
}

/* NCCL refuses two ranks on one GPU in its own words, which do not say how they came there. */
static bv_status explain_device(const bv_ddp_group *group, bv_status status) {
  static const char *const choices[] = {
      [BV_DDP_CHOICE_NONE] = "none",
      [BV_DDP_CHOICE_GIVEN] = "options->device",
      [BV_DDP_CHOICE_LOCAL_RANK] = "its local rank",
      [BV_DDP_CHOICE_PRIVATE_VIEW] = "its local rank, modulo the number of visible devices",
      [BV_DDP_CHOICE_RANK] = "its rank, modulo the number of visible devices"};
  char why[512];
  if (status != BV_DDP_ERROR_NCCL)
    return status;
  snprintf(why, sizeof why, "%s", bv_last_error());
  return ddp_fail(status, "%s (rank %d is on device %d: %s)", why, group->rank, group->device,
                  choices[group->device_choice]);
}

/* Where MPI has brought the ranks together, one that objects tells the others, which may have nothing to object
 * to and would wait for it. */
static bv_status hear_objections(bv_ddp_group *group, const ddp_failure *mine) {
  const ddp_call call = {.operation = DDP_SET_UP, .is_failure = mine->status != BV_OK, .status = mine->status};
  ddp_failure failure;
  bv_status status = group->backend->announce(group, &call, NULL);
  ddp_keep_failure(status, &failure);
  if (mine->status != BV_OK)
    failure = *mine;
  if (failure.status == BV_OK)
    return BV_OK;
  group->backend->leave(group, !group->broken);
  return ddp_restore_failure(&failure);
}

static bv_status join(bv_ddp_group *group, const bv_ddp_options *options, const ddp_launch *launch,
                      int32_t backend, const ddp_failure *objection, ddp_time deadline) {
  bv_ddp_id id;
  switch (backend) {
  case BV_DDP_BACKEND_NONE: return ddp_join_nobody(group);
  case BV_DDP_BACKEND_MPI:
    DDP_TRY(check_mpi_ranks(options, launch));
    DDP_TRY(ddp_mpi_join(group, options->mpi_comm, deadline));
    return hear_objections(group, objection);
  default:
    DDP_TRY(meet(options, launch, group->device, deadline, &id));
    return explain_device(group, ddp_nccl_join(group, &id, deadline));
  }
}

static bv_status set_up(int rank, int world_size, const bv_ddp_options *given, bv_ddp_group **group) {
  bv_ddp_options options;
  ddp_launch launch;
  ddp_failure objection = {.status = BV_OK};
  int32_t backend, device, choice;
  DDP_TRY(read_options(given, &options));
  ddp_time deadline = ddp_deadline_after(options.timeout_seconds);
  if (rank == -1 && world_size == -1)
    DDP_TRY(ask_mpi(&options, &rank, &world_size, &objection));
  DDP_TRY(ddp_read_launch(rank, world_size, &options, &launch));
  DDP_TRY(choose_backend(&options, launch.world_size, &backend));
  if (objection.status != BV_OK && backend != BV_DDP_BACKEND_MPI)
    return ddp_restore_failure(&objection);
  DDP_TRY(choose_device(&options, &launch, backend, &device, &choice));
  if (backend == BV_DDP_BACKEND_NCCL && !ddp_nccl_is_built())
    return ddp_nccl_make_id(&(bv_ddp_id){{0}}); /* says so */
  if (device != BV_CPU)
    DDP_TRY(ddp_prepare_device(device));

  bv_ddp_group *g = calloc(1, sizeof *g);
  if (!g)
    return ddp_fail(BV_ERROR_MEMORY, "no memory for a group");
  g->rank = launch.rank;
  g->world_size = launch.world_size;
  g->device = device;
  g->device_choice = choice;
  g->timeout_seconds = options.timeout_seconds;
  bv_status status = join(g, &options, &launch, backend, &objection, deadline);
  if (status != BV_OK) {
    free(g);
    return status == BV_DDP_ERROR_TIMEOUT ? ddp_fail_again(status, ddp_doubt_of_launcher()) : status;
  }
  *group = g;
  return BV_OK;
}

bv_status bv_setup_ddp(int rank, int world_size, const bv_ddp_options *options, bv_ddp_group **group) {
  if (!group)
    return ddp_fail(BV_ERROR_NULL, "group is NULL");
  *group = NULL;
  const bool error_was_pending = ddp_has_error_pending();
  bv_status status = set_up(rank, world_size, options, group);
  ddp_drop_error(error_was_pending);
  return status;
}

bv_status bv_ddp_make_id(bv_ddp_id *id) {
  return id ? ddp_nccl_make_id(id) : ddp_fail(BV_ERROR_NULL, "id is NULL");
}

/* ---- The group ----------------------------------------------------------------------------------------- */

bv_status ddp_check_group(const bv_ddp_group *group) {
  if (!group)
    return ddp_fail(BV_ERROR_NULL, "group is NULL");
  if (group->broken)
    return ddp_fail(BV_DDP_ERROR_GROUP, "the group of rank %d %s: end it with bv_ddp_finish and set up again",
                    group->rank, group->aborted ? "was aborted" : "is broken by an earlier failure");
  return BV_OK;
}

bv_status ddp_enter_group(const bv_ddp_group *group, bv_context_scope *scope) {
  *scope = (bv_context_scope){0};
  return group->device == BV_CPU ? BV_OK : ddp_enter_device(group->device, scope);
}

void ddp_leave_group(const bv_ddp_group *group, const bv_context_scope *scope) {
  if (group->device != BV_CPU)
    ddp_leave_device(scope);
}

bv_status bv_ddp_get_info(const bv_ddp_group *group, bv_ddp_info *info) {
  if (!group || !info)
    return ddp_fail(BV_ERROR_NULL, "%s is NULL", group ? "info" : "group");
  *info = (bv_ddp_info){.rank = group->rank,
                        .world_size = group->world_size,
                        .backend = group->backend->kind,
                        .device = group->device,
                        .communicator = group->communicator,
                        .stream = group->stream,
                        .device_choice = group->device_choice};
  return BV_OK;
}

bv_status ddp_begin(bv_ddp_group *group, const ddp_call *call, bv_status own, bv_stream stream) {
  if (own == BV_OK)
    return group->backend->announce(group, call, stream);
  /* What this rank returns is its own failure, whatever becomes of the others. */
  ddp_failure failure;
  const ddp_call failed = {.operation = call->operation, .is_failure = 1, .status = own};
  ddp_keep_failure(own, &failure);
  group->backend->announce(group, &failed, stream);
  return ddp_restore_failure(&failure);
}

/* Twice: who is heard the first time may be lost before the last rank is there. */
bv_status ddp_say_goodbye(bv_ddp_group *group) {
  const ddp_call call = {.operation = DDP_FINISH};
  DDP_TRY(group->backend->meet(group, &call, NULL));
  return group->backend->meet(group, &call, NULL);
}

/* ---- Waiting, and the end ------------------------------------------------------------------------------ */

bv_status bv_ddp_wait(bv_ddp_group *group, bv_stream stream) {
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = group->backend->wait(group, stream);
  ddp_leave_group(group, &scope);
  return status;
}

bv_status bv_ddp_barrier(bv_ddp_group *group, bv_stream stream) {
  const ddp_call call = {.operation = DDP_BARRIER};
  bv_context_scope scope;
  DDP_TRY(ddp_check_group(group));
  DDP_TRY(ddp_enter_group(group, &scope));
  bv_status status = group->backend->wait(group, stream);
  if (status == BV_OK)
    status = group->backend->meet(group, &call, NULL);
  ddp_leave_group(group, &scope);
  return status;
}

bv_status bv_ddp_abort(bv_ddp_group *group) {
  if (!group)
    return ddp_fail(BV_ERROR_NULL, "group is NULL");
  group->broken = group->aborted = true;
  return group->connection ? group->backend->leave(group, false) : BV_OK;
}

bv_status bv_ddp_finish(bv_ddp_group *group) {
  if (!group)
    return ddp_fail(BV_ERROR_NULL, "group is NULL");
  bool was_broken = group->broken;
  bv_status status = group->connection ? group->backend->leave(group, !was_broken) : BV_OK;
  if (was_broken && status == BV_OK)
    status = ddp_check_group(group);
  free(group);
  return status;
}
