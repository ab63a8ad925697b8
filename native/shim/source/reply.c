/* What clients are told of the process, as bytes. */
#include <unistd.h>

#include "shim.h"

void encode_state(const struct shim *shim, uint8_t out[STATE_SIZE])
{
    out[0] = (uint8_t)shim->phase;
    out[1] = shim->out_of_memory;
    out[2] = out[3] = 0;
    put_u32(out + 4, (uint32_t)shim->process);
    put_u32(out + 8, (uint32_t)getpid());
    put_u32(out + 12, (uint32_t)shim->exit_code);
    put_u64(out + 16, (uint64_t)shim->exit_time);
}

void encode_exit(const struct shim *shim, uint8_t out[EXIT_SIZE])
{
    put_u32(out, (uint32_t)shim->exit_code);
    put_u32(out + 4, shim->out_of_memory);
    put_u64(out + 8, (uint64_t)shim->exit_time);
}
