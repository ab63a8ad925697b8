/* Turns a rotated log file into a .gz file, in a child process so that its memory is gone afterwards. */
#ifndef GANTRY_COMPRESS_H
#define GANTRY_COMPRESS_H

#include <stdint.h>
#include <sys/types.h>

/*
 * Starts a child that writes PATH.gz and then removes PATH; on any failure it removes PATH.gz instead.
 * `last_time` goes into the gzip header as dockerd's reader expects it. Returns the child, or 0 if there is none.
 */
pid_t compress_in_child(const char *path, int64_t last_time);

#endif
