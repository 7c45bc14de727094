/** The thread that reads, hashes and compresses; it works while the other end has buffers to give back. */
import { parentPort, workerData } from 'node:worker_threads';
import type { EngineName } from '../../../native/sha256/engine.ts';
import { loadKernels } from './kernels.ts';
import { Lanes } from './lanes.ts';
import type { FromWorker, ToWorker } from './messages.ts';

if (parentPort === null) throw new Error('worker.ts is a thread of the pipeline');
const port = parentPort;

function post(message: FromWorker): void {
  port.postMessage(message, message.kind === 'chunk' ? [message.chunk.payload.buffer] : []);
}

const { engine } = workerData as { readonly engine: EngineName };
const lanes = new Lanes(await loadKernels(engine), post);
let isWorking = false;

/** After each step the messages of the other end are heard. */
function work(): void {
  isWorking = lanes.step();
  if (isWorking) setImmediate(work);
}

port.on('message', (message: ToWorker) => {
  lanes.take(message);
  if (isWorking) return;
  isWorking = true;
  setImmediate(work);
});
post({ kind: 'ready' });
