/* Overlays of directories of the case's own. */
#ifndef OVERLAYS_H
#define OVERLAYS_H
#include "mounts.h"

/* Mounts one at AT/all, of AT/low, AT/up and AT/work, and changes something in it. */
static inline void overlays_make(const char *at) {
  char before[PATH_MAX], here[PATH_MAX], *options;
  tst_check(getcwd(before, sizeof(before)), "no directory");
  if (chdir(at)) tst_die("no %s", at);
  tst_check(getcwd(here, sizeof(here)), "no directory");
  mounts_run("mkdir low; mkdir up; mkdir work; mkdir all; file low/kept old; file low/changed old; file low/removed old");
  tst_sys(asprintf(&options, "lowerdir=%s/low,upperdir=%s/up,workdir=%s/work", here, here, here));
  if (mount("zdtm", "all", "overlay", 0, options)) tst_skip("no overlay can be mounted here: %s", strerror(errno));
  free(options);
  mounts_run("file all/changed new; rm all/removed; file all/more new; open all/more; ghost all/ghost text");
  if (chdir(before)) tst_die("no %s", before);
}

/* @param held number of the first file that is held */
static inline void overlays_check(const char *at, int held) {
  char script[512];
  snprintf(script, sizeof(script),
           "is %s/all/kept old; is %s/all/changed new; is %s/low/changed old; no %s/all/removed; is %s/all/more new; "
           "is %s/up/more new; held %d new; held %d text; file %s/all/last x; is %s/up/last x",
           at, at, at, at, at, at, held, held + 1, at, at);
  mounts_run(script);
}

/*
 * All of a case whose dump is refused for its overlay, in a tmpfs t: it stands as before.
 * @param whole its layers have whole names, else those that they have in the working directory
 * @param more options of the overlay, each behind a comma
 */
static inline int overlays_untouched(bool whole, const char *more) {
  char here[PATH_MAX] = "", options[4 * PATH_MAX];
  tst_begin();
  mounts_run("mkdir t; tmpfs t; cd t; mkdir lower; mkdir upper; mkdir work; mkdir merged");
  if (whole) tst_check(getcwd(here, sizeof(here) - 1) && strcat(here, "/"), "no directory");
  snprintf(options, sizeof(options), "lowerdir=%slower,upperdir=%supper,workdir=%swork%s", here, here, here, more);
  if (mount("zdtm", "merged", "overlay", 0, options)) tst_skip("no such overlay here: %s", strerror(errno));
  tst_ready();
  tst_check(!access("merged", R_OK), "it is gone");
  return tst_pass();
}
#endif
