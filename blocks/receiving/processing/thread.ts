/** The thread on which a person's own module runs: it may throw, hang or call `process.exit`, and ends nothing but this thread. */
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../../../runtime/errors.ts';
import type { BlockToProcess, ProcessingData, ThreadMessage } from './protocol.ts';

type ProcessFunction = (block: BlockToProcess) => unknown;

function tell(message: ThreadMessage): void {
  parentPort?.postMessage(message);
}

async function load(): Promise<ProcessFunction | undefined> {
  try {
    const { module } = workerData as ProcessingData;
    const { default: found } = (await import(module)) as { default?: unknown };
    if (typeof found === 'function') return found as ProcessFunction;
    tell({ kind: 'unusable', reason: 'its default export is no function' });
  } catch (error) {
    tell({ kind: 'unusable', reason: messageOf(error) });
  }
  return undefined;
}

const processBlock = await load();
if (processBlock !== undefined) {
  parentPort?.on('message', (block: BlockToProcess) => {
    void (async () => {
      try {
        await processBlock(block);
        tell({ kind: 'done' });
      } catch (error) {
        tell({ kind: 'failed', reason: messageOf(error) });
      }
    })();
  });
  tell({ kind: 'ready' });
}
