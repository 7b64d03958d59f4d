/* How many threads this process should have. */
#ifndef BV_PROCESSORS_H
#define BV_PROCESSORS_H

/* What BATCHVIEW_THREADS says, else OMP_NUM_THREADS (of a list the first), else one for each processor that
 * this process may use; at most `most`. A variable that is no number from 1 counts as not set. */
int bv_default_threads(int most);

/* The processors that a control group's quota pays for, rounded up: the least of the group's and its
 * ancestors'; 0 where nothing limits them. `membership` is the file that names the process's groups
 * ("/proc/self/cgroup"), `root` where their file systems are ("/sys/fs/cgroup"). Versions 1 and 2. */
int bv_quota_processors(const char *membership, const char *root);

#endif
