/* Launchers and their environment variables, see environment.h. */
#include "environment.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node_list.h"
#include "report.h"

/* In the order in which they are asked: torchrun runs inside of srun and mpirun, and mpirun inside of SLURM
 * jobs, where its processes also see the SLURM_PROCID of the daemon that started them. The PMI_ variables are
 * those of MPICH's mpiexec and its descendants (Intel MPI, Cray), and srun's with --mpi=pmi2. */
static const struct {
  const char *rank, *world_size, *local_rank;
} launchers[] = {
    {"RANK", "WORLD_SIZE", "LOCAL_RANK"},
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE", "OMPI_COMM_WORLD_LOCAL_RANK"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALRANKID"},
    {"SLURM_PROCID", "SLURM_NTASKS", "SLURM_LOCALID"},
};

#define LAUNCHERS (sizeof launchers / sizeof launchers[0])
#define TORCHRUN 0
#define SLURM (LAUNCHERS - 1)

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

/* ---- Ranks ----------------------------------------------------------------------------------------------- */

/* The launcher that has set a rank, or LAUNCHERS. */
static size_t find_launcher(void) {
  for (size_t i = 0; i < LAUNCHERS; ++i)
    if (variable(launchers[i].rank) || (i == TORCHRUN && variable(launchers[i].world_size)))
      return i;
  return LAUNCHERS;
}

/* SLURM_NTASKS is the number of tasks that were asked for. A batch script or a shell of salloc, and whatever is
 * started there without srun, sees it too, and is one process of that many. */
static bv_status check_step_was_started(void) {
  const char *interactive_step = "4294967290"; /* of salloc, where its shell is a step */
  int tasks = 1, started = 0;
  const char *step = variable("SLURM_STEP_ID");
  if (variable("SLURM_NTASKS"))
    DDP_TRY(read_number("SLURM_NTASKS", 1, INT_MAX, &tasks));
  if (variable("SLURM_STEP_NUM_TASKS"))
    DDP_TRY(read_number("SLURM_STEP_NUM_TASKS", 1, INT_MAX, &started));
  if (tasks == 1)
    return BV_OK;
  const char *advice = "start the ranks with srun, or give rank and world_size";
  if (started == 1)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                    "SLURM_NTASKS is %d, but SLURM_STEP_NUM_TASKS is 1: this process was started alone: %s",
                    tasks, advice);
  if (step && strcmp(step, interactive_step) == 0)
    return ddp_fail(
        BV_DDP_ERROR_ENVIRONMENT,
        "SLURM_NTASKS is %d, but SLURM_STEP_ID is %s, an interactive shell: no other rank was started: %s",
        tasks, step, advice);
  if (variable("SLURM_JOB_ID") && !step && !started)
    return ddp_fail(
        BV_DDP_ERROR_ENVIRONMENT,
        "SLURM_NTASKS is %d, but SLURM_STEP_ID is not set: this is job %.32s's batch script or shell, "
        "not a task of srun: %s",
        tasks, variable("SLURM_JOB_ID"), advice);
  return BV_OK;
}

/* Where srun was told to leave SLURM_NTASKS alone (--preserve-env), the step's own number counts. */
static const char *size_variable(size_t launcher) {
  return launcher == SLURM && variable("SLURM_STEP_NUM_TASKS") ? "SLURM_STEP_NUM_TASKS"
                                                               : launchers[launcher].world_size;
}

static bv_status read_ranks(ddp_launch *launch) {
  size_t i = find_launcher();
  if (i == LAUNCHERS)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                    "rank and world_size are -1, but no launcher has set %s, %s, %s or %s, and MPI is not "
                    "initialised: start with torchrun, mpirun or srun, or give both numbers",
                    launchers[0].rank, launchers[1].rank, launchers[2].rank, launchers[3].rank);
  if (i == SLURM)
    DDP_TRY(check_step_was_started());
  DDP_TRY(read_number(size_variable(i), 1, INT_MAX, &launch->world_size));
  DDP_TRY(read_number(launchers[i].rank, 0, INT_MAX, &launch->rank));
  if (launch->rank >= launch->world_size)
    return ddp_fail(BV_DDP_ERROR_RANK, "%s is %d; with %s %d it must be 0 to %d", launchers[i].rank,
                    launch->rank, size_variable(i), launch->world_size, launch->world_size - 1);
  return BV_OK;
}

static bv_status check_same_as_mpi(const char *name, int mpi, int mpi_rank, int mpi_world_size) {
  char expected[16];
  snprintf(expected, sizeof expected, "%d", mpi);
  const char *value = variable(name);
  if (!value || strcmp(value, expected) == 0)
    return BV_OK;
  return ddp_fail(
      BV_DDP_ERROR_ENVIRONMENT,
      "%s is \"%.64s\", but in MPI this is rank %d of %d: unset it if it was inherited, or say who is "
      "right: options->mpi_comm for MPI, or rank and world_size",
      name, value, mpi_rank, mpi_world_size);
}

bv_status ddp_check_launcher_agrees(int mpi_rank, int mpi_world_size) {
  size_t i = find_launcher();
  /* Ranks of MPI that have met were started by something that SLURM need not know, whose daemons its tasks
   * were. */
  if (i == LAUNCHERS || (i == SLURM && mpi_world_size > 1))
    return BV_OK;
  if (i == SLURM)
    DDP_TRY(check_step_was_started());
  DDP_TRY(check_same_as_mpi(size_variable(i), mpi_world_size, mpi_rank, mpi_world_size));
  return check_same_as_mpi(launchers[i].rank, mpi_rank, mpi_rank, mpi_world_size);
}

const char *ddp_doubt_of_launcher(void) {
  return find_launcher() == SLURM && variable("SLURM_PTY_PORT")
             ? " (srun --pty gives its terminal to one task, and shells in the others end at once: start the "
               "ranks "
               "with another srun)"
             : "";
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

/* The local rank of whoever says the rank; others' may be inherited. */
static bv_status read_local_rank(ddp_launch *launch) {
  size_t launcher = find_launcher();
  launch->local_rank = -1;
  if (launcher < LAUNCHERS && variable(launchers[launcher].local_rank))
    return read_number(launchers[launcher].local_rank, 0, INT_MAX, &launch->local_rank);
  for (size_t i = 0; i < LAUNCHERS; ++i)
    if (variable(launchers[i].local_rank))
      return read_number(launchers[i].local_rank, 0, INT_MAX, &launch->local_rank);
  return BV_OK;
}

/* ---- Where rank 0 is --------------------------------------------------------------------------------- */

/* In all distributions of tasks over hosts but one, rank 0 is on the first. */
static bv_status find_host_of_step(char host[DDP_HOST_BYTES]) {
  /* The hosts of the step, where it uses fewer than the job has. */
  const char *name = variable("SLURM_STEP_NODELIST") ? "SLURM_STEP_NODELIST" : "SLURM_JOB_NODELIST";
  const char *nodes = variable(name), *distribution = variable("SLURM_DISTRIBUTION");
  if (!nodes)
    return BV_OK;
  if (distribution && strncmp(distribution, "arbitrary", strlen("arbitrary")) == 0)
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                    "SLURM_DISTRIBUTION is \"%.64s\": rank 0 may be on any host; MASTER_ADDR must say which",
                    distribution);
  if (!ddp_first_host(nodes, host, DDP_HOST_BYTES))
    return ddp_fail(BV_DDP_ERROR_ENVIRONMENT,
                    "%s is \"%.64s\"; it must be a list of hosts such as gpu[01-04],gpu7", name, nodes);
  return BV_OK;
}

bv_status ddp_find_host(const bv_ddp_options *options, char host[DDP_HOST_BYTES]) {
  const char *given = options->address ? options->address : variable("MASTER_ADDR");
  if (given) {
    if (!*given || strlen(given) >= DDP_HOST_BYTES)
      return ddp_fail(options->address ? BV_ERROR_VALUE : BV_DDP_ERROR_ENVIRONMENT,
                      "%s has %zu characters; it must be a host's name or address of 1 to %d",
                      options->address ? "options->address" : "MASTER_ADDR", strlen(given), DDP_HOST_BYTES - 1);
    snprintf(host, DDP_HOST_BYTES, "%s", given);
    return BV_OK;
  }
  host[0] = '\0';
  const char *ranks_here = variable("OMPI_COMM_WORLD_LOCAL_SIZE"), *ranks = variable("OMPI_COMM_WORLD_SIZE");
  if (ranks && ranks_here && strcmp(ranks, ranks_here) == 0) {
    snprintf(host, DDP_HOST_BYTES, "127.0.0.1");
    return BV_OK;
  }
  return find_host_of_step(host);
}

/* ---- The job --------------------------------------------------------------------------------------------- */

/* FNV-1a over the text and its end: not secret, only different for different jobs, for the port. */
static uint64_t add_to_hash(uint64_t hash, const char *text) {
  do
    hash = (hash ^ (unsigned char)*text) * UINT64_C(0x100000001b3);
  while (*text++);
  return hash;
}

enum { MOST_JOB_TEXTS = 7 };

/* What tells this job from others; returns how many. */
static size_t read_job(const bv_ddp_options *options, const char *texts[MOST_JOB_TEXTS]) {
  /* torchrun's run id is "none" unless the user sets one; its store's address tells such jobs apart.
   * PMIX_NAMESPACE is mpirun's name for the job, and the transports' key a random number that Open MPI 4 draws
   * for each job. */
  static const char *const names[MOST_JOB_TEXTS] = {"TORCHELASTIC_RUN_ID",
                                                    "MASTER_ADDR",
                                                    "MASTER_PORT",
                                                    "PMIX_NAMESPACE",
                                                    "OMPI_MCA_orte_precondition_transports",
                                                    "SLURM_JOB_ID",
                                                    "SLURM_STEP_ID"};
  texts[0] = options->job ? options->job : variable("BATCHVIEW_JOB");
  if (texts[0])
    return 1;
  for (size_t i = 0; i < MOST_JOB_TEXTS; ++i) {
    const char *value = variable(names[i]);
    texts[i] = value ? value : "";
  }
  return MOST_JOB_TEXTS;
}

static uint64_t job_hash(const bv_ddp_options *options) {
  const char *texts[MOST_JOB_TEXTS];
  size_t count = read_job(options, texts);
  uint64_t hash = UINT64_C(0xcbf29ce484222325);
  for (size_t i = 0; i < count; ++i)
    hash = add_to_hash(hash, texts[i]);
  return hash;
}

bv_status ddp_read_key(const bv_ddp_options *options, unsigned char key[DDP_KEY_BYTES], bool *has_secret) {
  const char *texts[MOST_JOB_TEXTS];
  const char *secret = options->secret ? options->secret : getenv("BATCHVIEW_SECRET");
  *has_secret = secret != NULL;
  if (secret && !*secret) /* as a file that could not be read makes it */
    return ddp_fail(options->secret ? BV_ERROR_VALUE : BV_DDP_ERROR_ENVIRONMENT,
                    "%s is empty; it must have 1 character or more, or not be %s",
                    options->secret ? "options->secret" : "BATCHVIEW_SECRET",
                    options->secret ? "given (NULL)" : "set");
  if (secret)
    ddp_derive_key(DDP_KEY_OF_SECRET, &secret, 1, key);
  else
    ddp_derive_key(DDP_KEY_OF_JOB, texts, read_job(options, texts), key);
  return BV_OK;
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
  launch->job = job_hash(options);
  if (options->port)
    launch->port = options->port;
  else if (variable("BATCHVIEW_PORT"))
    return read_number("BATCHVIEW_PORT", 1, 65535, &launch->port);
  else
    launch->port = first_port + (int)(launch->job % (uint64_t)ports);
  return BV_OK;
}
