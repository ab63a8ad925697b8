import { type MessagePort, parentPort } from 'node:worker_threads';
import type { BatchReply, BatchRequest } from './kernel.ts';
import { isKernelFailure, OperationContext } from './operation-context.ts';

// The kernel thread's program: apply each batch in order, answer once. Everything here blocks, by design.

function serve(port: MessagePort): void {
  const context = new OperationContext();
  port.on('message', ({ id, operations }: BatchRequest) => {
    const results: unknown[] = [];
    try {
      for (const operation of operations) results.push(context.apply(operation));
      port.postMessage({ id, results } satisfies BatchReply);
    } catch (error) {
      if (!isKernelFailure(error)) throw error;
      const { message, code } = error;
      port.postMessage({ id, results, failure: { message, code } } satisfies BatchReply);
    } finally {
      context.goHome();
    }
  });
  port.postMessage('ready');
}

if (parentPort === null) throw new Error('kernel-worker runs in a worker thread only');
serve(parentPort);
