/** A module of ours in a thread of its own, from the source tree or from a single file. */
import { getAsset } from 'node:sea';
import { Worker, type WorkerOptions } from 'node:worker_threads';

/** @param module a URL relative to the starter's `import.meta.url` */
export function startWorker(module: URL, options: WorkerOptions = {}): Worker {
  if (module.protocol === 'file:') return new Worker(module, options);
  const argv = [module.href, ...(options.argv ?? [])];
  return new Worker(getAsset('boot', 'utf8'), { ...options, argv, eval: true });
}
