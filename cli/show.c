/* The terminal's window, and a child that draws: GLib ends the process that is short of memory, which must be
 * no other's. */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module.h"
#include "show_request.h"

#define REASON_BYTES 512

/* Of terminals that do not say: most common is what DEC's VT100 had. */
#define COLUMNS 80
#define ROWS 24
#define CELL_WIDTH 8 /* pixels */
#define CELL_HEIGHT 16

/* GLib that lacks memory for its first objects waits for itself. */
#define STARTING_SECONDS 10
#define NOT_STARTED 127 /* as in the shell */

#define OTHER_ROWS 2 /* of the summary, and of the shell's prompt */

cli_result show_is_there(reason why) {
  char path[PATH_MAX], text[REASON_BYTES];
  if (!isatty(STDOUT_FILENO))
    return refuse(why, CLI_USAGE, "--show: standard output is no terminal, which alone shows pictures");
  if (!find_module(SHOW_PROGRAM, path, text, sizeof text))
    return refuse(why, CLI_USAGE, "--show: %s", text);
  return CLI_OK;
}

static show_request request_of(const picture *shown) {
  struct winsize window = {0};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
  show_request request = {.width = (int32_t)shown->width,
                          .height = (int32_t)shown->height,
                          .channels = shown->channels,
                          .columns = window.ws_col > 0 ? window.ws_col : COLUMNS,
                          .rows = window.ws_row > 0 ? window.ws_row : ROWS,
                          .cell_width = CELL_WIDTH,
                          .cell_height = CELL_HEIGHT};
  if (window.ws_xpixel >= request.columns && window.ws_ypixel >= request.rows) {
    request.cell_width = window.ws_xpixel / request.columns;
    request.cell_height = window.ws_ypixel / request.rows;
  }
  request.rows = request.rows > OTHER_ROWS ? request.rows - OTHER_ROWS : 1;
  return request;
}

/* ---- The drawing program ---------------------------------------------------------------------------- */

/* In the child: what it needs is made before, as another thread may have held any lock. */
static _Noreturn void start(char *path, int request) {
  const int nowhere = open("/dev/null", O_WRONLY);
  signal(SIGALRM, SIG_DFL);
  alarm(STARTING_SECONDS);
  if (dup2(request, STDIN_FILENO) >= 0 && dup2(nowhere, STDERR_FILENO) >= 0) /* where GLib has its last words */
    execv(path, (char *[]){path, NULL});
  _exit(NOT_STARTED);
}

/* What has ended early is told by its exit code. */
static void send_all(int to, const void *from, size_t bytes) {
  for (const char *at = from; bytes > 0;) {
    const ssize_t sent = send(to, at, bytes, MSG_NOSIGNAL);
    if (sent < 0 && errno != EINTR)
      return;
    at += sent > 0 ? sent : 0;
    bytes -= sent > 0 ? (size_t)sent : 0;
  }
}

static cli_result wait_for(pid_t child, reason why) {
  int status = 0;
  pid_t ended;
  do
    ended = waitpid(child, &status, 0);
  while (ended < 0 && errno == EINTR);
  if (ended < 0)
    return refuse_error(why, CLI_FAILED, errno);
  if (WIFSIGNALED(status))
    return refuse(why, CLI_FAILED, SHOW_PROGRAM " ended with signal %d, as it does without memory",
                  WTERMSIG(status));
  switch (WEXITSTATUS(status)) {
  case 0: return CLI_OK;
  case SHOW_UNWRITTEN: return refuse(why, CLI_WRITE, "it cannot be written");
  case SHOW_FAILED: return refuse(why, CLI_FAILED, "out of memory");
  default:
    return refuse(why, CLI_FAILED, SHOW_PROGRAM " cannot be started: exit status %d", WEXITSTATUS(status));
  }
}

cli_result show_picture(const picture *shown, reason why) {
  const show_request request = request_of(shown);
  char path[PATH_MAX], text[REASON_BYTES];
  int ends[2];
  if (!find_module(SHOW_PROGRAM, path, text, sizeof text))
    return refuse(why, CLI_FAILED, "%s", text);
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
    return refuse_error(why, CLI_FAILED, errno);
  const pid_t child = fork();
  if (child == 0)
    start(path, ends[1]);
  const int error = errno;
  close(ends[1]);
  if (child > 0) {
    send_all(ends[0], &request, sizeof request);
    send_all(ends[0], shown->pixels, (size_t)shown->width * shown->height * (size_t)shown->channels);
  }
  close(ends[0]);
  return child < 0 ? refuse_error(why, CLI_FAILED, error) : wait_for(child, why);
}
