import koffi from 'koffi';
import type { NftablesOperation } from './operations.ts';

// <nftables/libnftables.h>
const NFT_CTX_DEFAULT = 0;
const NFT_CTX_OUTPUT_HANDLE = 1 << 3;
const NFT_CTX_OUTPUT_JSON = 1 << 4;
const NFT_CTX_OUTPUT_NUMERIC_ALL = 0x380;

type Context = object;
interface Library {
  readonly create: (flags: number) => Context;
  readonly free: (context: Context) => void;
  readonly run: (context: Context, commands: string) => number;
  readonly bufferOutput: (context: Context) => number;
  readonly bufferError: (context: Context) => number;
  readonly output: (context: Context) => string;
  readonly errors: (context: Context) => string;
  readonly setFlags: (context: Context, flags: number) => void;
}

/** libnftables, loaded; throws if the machine does not have it. */
export function loadNftables(): Library {
  const library = koffi.load('libnftables.so.1');
  return {
    create: library.func('void *nft_ctx_new(uint32_t flags)'),
    free: library.func('void nft_ctx_free(void *context)'),
    run: library.func('int nft_run_cmd_from_buffer(void *context, const char *commands)'),
    bufferOutput: library.func('int nft_ctx_buffer_output(void *context)'),
    bufferError: library.func('int nft_ctx_buffer_error(void *context)'),
    output: library.func('const char *nft_ctx_get_output_buffer(void *context)'),
    errors: library.func('const char *nft_ctx_get_error_buffer(void *context)'),
    setFlags: library.func('void nft_ctx_output_set_flags(void *context, unsigned int flags)'),
  } as unknown as Library;
}

/** A libnftables context: it talks to the namespace the calling thread was in when it was made. */
export class NftablesContext implements Disposable {
  readonly #library: Library;
  readonly #context: Context;

  constructor(library: Library) {
    this.#library = library;
    this.#context = library.create(NFT_CTX_DEFAULT);
    library.bufferOutput(this.#context);
    library.bufferError(this.#context);
  }

  /** Runs commands as one transaction and returns what they print. Throws an {@link NftablesError}. */
  run({ commands, json }: NftablesOperation): string {
    const flags = NFT_CTX_OUTPUT_HANDLE | NFT_CTX_OUTPUT_NUMERIC_ALL | (json === true ? NFT_CTX_OUTPUT_JSON : 0);
    this.#library.setFlags(this.#context, flags);
    const result = this.#library.run(this.#context, commands);
    const errors = this.#library.errors(this.#context);
    const output = this.#library.output(this.#context);
    if (result !== 0) throw new NftablesError(errors);
    return output;
  }

  [Symbol.dispose](): void {
    this.#library.free(this.#context);
  }
}

/** libnftables refused; `message` is its own explanation. */
export class NftablesError extends Error {
  override readonly name = 'NftablesError';
  readonly code: string;

  constructor(explanation: string) {
    super(`nftables: ${explanation.trim()}`);
    this.code = codeOf(explanation);
  }
}

// libnftables reports the kernel's errno only as strerror's text; tell apart what reconciliation has to know.
function codeOf(explanation: string): string {
  if (explanation.includes('No such file or directory')) return 'ENOENT';
  if (explanation.includes('File exists')) return 'EEXIST';
  if (explanation.includes('Device or resource busy')) return 'EBUSY';
  return 'EINVAL';
}
