/* The terminal's window, and a child that draws: GLib ends the process that is short of memory, which must be
 * no other's. */
#include "show.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "module.h"
#include "show_module.h"

#define REASON_BYTES 512

/* Of terminals that do not say: most common is what DEC's VT100 had. */
#define COLUMNS 80
#define ROWS 24
#define CELL_WIDTH 8 /* pixels */
#define CELL_HEIGHT 16

/* GLib that lacks memory for its first objects waits for itself. */
#define LOADING_SECONDS 10

#define OTHER_ROWS 2 /* of the summary, and of the shell's prompt */

cli_result show_is_there(reason why) {
  char path[PATH_MAX], text[REASON_BYTES];
  if (!isatty(STDOUT_FILENO))
    return refuse(why, CLI_USAGE, "--show: standard output is no terminal, which alone shows pictures");
  if (!find_module(SHOW_MODULE, path, text, sizeof text))
    return refuse(why, CLI_USAGE, "--show: chafa, which shows pictures in terminals, cannot be loaded: %s",
                  text);
  return CLI_OK;
}

static show_request request_of(const picture *shown) {
  struct winsize window = {0};
  ioctl(STDOUT_FILENO, TIOCGWINSZ, &window);
  show_request request = {.pixels = shown->pixels,
                          .width = (int)shown->width,
                          .height = (int)shown->height,
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

static bool print_all(const char *text, size_t bytes) {
  while (bytes > 0) {
    const ssize_t printed = write(STDOUT_FILENO, text, bytes);
    if (printed < 0 && errno != EINTR)
      return false;
    text += printed > 0 ? printed : 0;
    bytes -= printed > 0 ? (size_t)printed : 0;
  }
  return true;
}

/* ---- The child -------------------------------------------------------------------------------------- */

static cli_result draw(const show_request *shown, reason why) {
  char text[REASON_BYTES];
  show_text *text_of = NULL;
  signal(SIGALRM, SIG_DFL);
  alarm(LOADING_SECONDS);
  void *symbol = load_from_module(SHOW_MODULE, SHOW_TEXT, text, sizeof text);
  alarm(0);
  if (symbol == NULL)
    return refuse(why, CLI_FAILED, "chafa cannot be loaded: %s", text);
  memcpy(&text_of, &symbol, sizeof text_of); /* POSIX makes a function of it, ISO C has no cast for that */
  size_t bytes;
  const char *drawn = text_of(shown, &bytes);
  if (drawn == NULL)
    return refuse(why, CLI_FAILED, "out of memory");
  if (!print_all(drawn, bytes) || !print_all("\n", 1))
    return refuse_error(why, CLI_WRITE, errno);
  return CLI_OK;
}

/* Ends the child; its last words go to the pipe, GLib's nowhere, and no image of its memory to the disk. */
static _Noreturn void draw_and_end(const show_request *shown, int pipe_end) {
  char text[REASON_BYTES] = "";
  const int nowhere = open("/dev/null", O_WRONLY | O_CLOEXEC);
  if (nowhere >= 0)
    dup2(nowhere, STDERR_FILENO);
  setrlimit(RLIMIT_CORE, &(const struct rlimit){0, 0});
  const cli_result result = draw(shown, (reason){text, sizeof text});
  const ssize_t told = write(pipe_end, text, strlen(text));
  _exit(told < 0 ? CLI_FAILED : (int)result);
}

/* ---- The parent ------------------------------------------------------------------------------------- */

static void read_words(int pipe_end, char *text, size_t text_bytes) {
  size_t bytes = 0;
  ssize_t got;
  do {
    got = read(pipe_end, text + bytes, text_bytes - 1 - bytes);
    bytes += got > 0 ? (size_t)got : 0;
  } while (got > 0 || (got < 0 && errno == EINTR));
  text[bytes] = '\0';
}

static cli_result wait_for(pid_t child, const char *words, reason why) {
  int status = 0;
  pid_t ended;
  do
    ended = waitpid(child, &status, 0);
  while (ended < 0 && errno == EINTR);
  if (ended < 0)
    return refuse_error(why, CLI_FAILED, errno);
  if (WIFSIGNALED(status))
    return refuse(why, CLI_FAILED, "chafa, which draws it, ended with signal %d, as it does without memory",
                  WTERMSIG(status));
  return WEXITSTATUS(status) == 0 ? CLI_OK : refuse(why, (cli_result)WEXITSTATUS(status), "%s", words);
}

cli_result show_picture(const picture *shown, reason why) {
  const show_request request = request_of(shown);
  char words[REASON_BYTES];
  int ends[2];
  if (pipe(ends) != 0)
    return refuse_error(why, CLI_FAILED, errno);
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    draw_and_end(&request, ends[1]);
  }
  const int error = errno;
  close(ends[1]);
  read_words(ends[0], words, sizeof words);
  close(ends[0]);
  return child < 0 ? refuse_error(why, CLI_FAILED, error) : wait_for(child, words, why);
}
