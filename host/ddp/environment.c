/* Launchers and their environment variables, see environment.h. */
#include "environment.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"

/* In the order in which they are asked: torchrun runs inside of srun and mpirun, and mpirun inside of SLURM
 * jobs, where its processes also see the SLURM_PROCID of the daemon that started them. */
static const struct {
  const char *rank, *world_size, *local_rank;
} launchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
};

#define LAUNCHERS (sizeof launchers / sizeof launchers[0])

/* A variable that is set and not empty, or NULL. */
static const char *variable(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static bv_status read_number(const char *name, int least, int most, int *number) {
  const char *text = variable(name);
  if (!text)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT, "%s is not set; it must be a number from %d", name, least);
  int64_t value = 0;
  const char *digit = text;
  for (; *digit >= '0' && *digit <= '9' && value <= most; ++digit)
    value = value * 10 + (*digit - '0');
  if (*digit || value < least || value > most)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT, "%s is \"%.64s\"; it must be a number from %d to %d", name, text,
                    least, most);
  *number = (int)value;
  return BV_OK;
}

static bv_status read_ranks(ddp_launch *launch) {
  for (size_t i = 0; i < LAUNCHERS; ++i) {
    if (!variable(launchers[i].rank) && (i > 0 || !variable(launchers[i].world_size)))
      continue;
    DDP_TRY(read_number(launchers[i].world_size, 1, INT_MAX, &launch->world_size));
    DDP_TRY(read_number(launchers[i].rank, 0, INT_MAX, &launch->rank));
    if (launch->rank >= launch->world_size)
      return ddp_fail(BV_DDP_ERROR_RANK, "%s is %d; with %s %d it must be 0 to %d", launchers[i].rank,
                      launch->rank, launchers[i].world_size, launch->world_size, launch->world_size - 1);
    return BV_OK;
  }
  return ddp_fail(
      BV_DDP_ERROR_ENVIRONMENT,
      "rank and world_size are -1, but no launcher has set RANK, %s or %s: start with torchrun, mpirun or "
      "srun, or give both numbers",
      launchers[1].rank, launchers[2].rank);
}

static bv_status check_ranks(int rank, int world_size) {
  if (world_size < 1)
    return ddp_fail(BV_DDP_ERROR_RANK, "world_size is %d; it must be 1 or more (or -1, with rank -1)",
                    world_size);
  if (rank < 0 || rank >= world_size)
    return ddp_fail(BV_DDP_ERROR_RANK, "rank is %d; with world_size %d it must be 0 to %d", rank, world_size,
                    world_size - 1);
  return BV_OK;
}

static bv_status read_local_rank(ddp_launch *launch) {
  launch->local_rank = -1;
  for (size_t i = 0; i < LAUNCHERS; ++i)
    if (variable(launchers[i].local_rank))
      return read_number(launchers[i].local_rank, 0, INT_MAX, &launch->local_rank);
  return BV_OK;
}

bool ddp_first_host(const char *node_list, char host[DDP_HOST_BYTES]) {
  size_t name = strcspn(node_list, ",[");
  const char *number = node_list + name, *rest = number;
  size_t digits = 0;
  if (*number == '[') {
    ++number;
    digits = strspn(number, "0123456789");
    rest = strchr(number, ']');
    if (digits == 0 || !rest)
      return false;
    ++rest;
  }
  size_t suffix = strcspn(rest, ",");
  if (name + digits + suffix == 0 || name + digits + suffix >= DDP_HOST_BYTES || memchr(rest, '[', suffix))
    return false;
  memcpy(host, node_list, name);
  memcpy(host + name, number, digits);
  memcpy(host + name + digits, rest, suffix);
  host[name + digits + suffix] = '\0';
  return true;
}

static bv_status read_host(const bv_ddp_options *options, ddp_launch *launch) {
  const char *given = options->address ? options->address : variable("MASTER_ADDR");
  if (given) {
    if (!*given || strlen(given) >= DDP_HOST_BYTES)
      return ddp_fail(options->address ? BV_ERROR_VALUE : BV_DDP_ERROR_ENVIRONMENT,
                      "%s has %zu characters; it must be a host's name or address of 1 to %d",
                      options->address ? "options->address" : "MASTER_ADDR", strlen(given), DDP_HOST_BYTES - 1);
    snprintf(launch->host, sizeof launch->host, "%s", given);
    return BV_OK;
  }
  launch->host[0] = '\0';
  const char *ranks_here = variable("OMPI_COMM_WORLD_LOCAL_SIZE"), *ranks = variable("OMPI_COMM_WORLD_SIZE");
  if (ranks && ranks_here && strcmp(ranks, ranks_here) == 0) {
    snprintf(launch->host, sizeof launch->host, "127.0.0.1");
    return BV_OK;
  }
  /* The hosts of the step, where it uses fewer than the job has. */
  static const char *const node_lists[] = {"SLURM_STEP_NODELIST", "SLURM_JOB_NODELIST"};
  for (size_t i = 0; i < 2; ++i) {
    const char *nodes = variable(node_lists[i]);
    if (nodes && !ddp_first_host(nodes, launch->host))
      return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                      "%s is \"%.64s\"; it must be a list of hosts such as gpu[01-04],gpu7", node_lists[i],
                      nodes);
    if (nodes)
      break;
  }
  return BV_OK;
}

/* FNV-1a over the text and its end: not secret, only different for different jobs. */
static uint64_t add_to_hash(uint64_t hash, const char *text) {
  do
    hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  while (*text++);
  return hash;
}

static uint64_t job_hash(const bv_ddp_options *options) {
  /* torchrun's run id is "none" unless the user sets one; its store's address tells such jobs apart.
   * PMIX_NAMESPACE is mpirun's name for the job. */
  static const char *const names[] = {"TORCHELASTIC_RUN_ID", "MASTER_ADDR",  "MASTER_PORT",
                                      "PMIX_NAMESPACE",      "SLURM_JOB_ID", "SLURM_STEP_ID"};
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  const char *given = options->job ? options->job : variable("BATCHVIEW_JOB");
  if (given)
    return add_to_hash(hash, given);
  for (size_t i = 0; i < sizeof names / sizeof names[0]; ++i) {
    const char *value = variable(names[i]);
    hash = add_to_hash(hash, value ? value : "");
  }
  return hash;
}

bv_status ddp_read_launch(int rank, int world_size, const bv_ddp_options *options, ddp_launch *launch) {
  const int first_port = 20000, ports = 10000; /* below the ports that systems give to outgoing connections */
  if (rank == -1 && world_size == -1) {
    DDP_TRY(read_ranks(launch));
  } else {
    DDP_TRY(check_ranks(rank, world_size));
    launch->rank = rank;
    launch->world_size = world_size;
  }
  DDP_TRY(read_local_rank(launch));
  DDP_TRY(read_host(options, launch));
  launch->job = job_hash(options);
  if (options->port)
    launch->port = options->port;
  else if (variable("BATCHVIEW_PORT"))
    return read_number("BATCHVIEW_PORT", 1, 65535, &launch->port);
  else
    launch->port = first_port + (int)(launch->job % (uint64_t)ports);
  return BV_OK;
}
