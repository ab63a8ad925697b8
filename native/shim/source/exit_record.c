/*
 * The file `exit`: {"version":1,"code":137,"at":"1763690000123456789","oomKilled":false}
 * It appears whole or not at all, after the last byte of output is in the log. Its space is reserved before the process
 * starts, so that a full run directory cannot swallow an exit code.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "shim.h"
#include "text.h"

static const char NAME[] = "exit", UNFINISHED[] = ".exit";

enum { RECORD_LIMIT = 128, RECORD_MODE = 0600 };

const char *exit_record_reserve(struct shim *shim)
{
    (void)unlink(NAME);
    shim->exit_file = open(UNFINISHED, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, RECORD_MODE);
    if (shim->exit_file < 0) return "open exit record";
    /* Unsupported on some file systems: then there is nothing to reserve. */
    (void)!fallocate(shim->exit_file, 0, 0, RECORD_LIMIT);
    return NULL;
}

void exit_record_write(struct shim *shim)
{
    char record[RECORD_LIMIT];
    struct text text = text_in(record, sizeof record);
    text_add(&text, "{\"version\":1,\"code\":");
    text_add_number(&text, shim->exit_code);
    text_add(&text, ",\"at\":\"");
    text_add_number(&text, shim->exit_time);
    text_add(&text, shim->out_of_memory ? "\",\"oomKilled\":true}\n" : "\",\"oomKilled\":false}\n");

    (void)!pwrite(shim->exit_file, record, text.length, 0);
    (void)!ftruncate(shim->exit_file, (off_t)text.length);
    (void)close(shim->exit_file);
    (void)rename(UNFINISHED, NAME);
}

void exit_record_discard(struct shim *shim)
{
    (void)close(shim->exit_file);
    (void)unlink(UNFINISHED);
}
