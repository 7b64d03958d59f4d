/* Work on several threads, apart from the library's calls. */
#ifndef BV_CLI_PARALLEL_H
#define BV_CLI_PARALLEL_H

typedef void item_body(void *context, int item);

/* Calls `body` once for each of 0 .. items - 1, in any order, on as many threads as a call of the library has;
 * on fewer where they cannot be started. Returns when all are done. */
void for_each_item(int items, item_body *body, void *context);

#endif
