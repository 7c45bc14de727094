#!/usr/bin/env node
/**
 * The agent as people start it: main.ts, in as little memory as Node allows.
 *
 * In JavaScript, because the first .ts file whose plain text is not in Node's cache loads Node's
 * TypeScript compiler, and 18 MB stay. So the cache is switched on before; and as filling it costs
 * just that, and the libraries that check flags and settings 25 MB more, `run` leaves both to a
 * child process that ends.
 */
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { keepYoungSmall, lighten } from './light.js';

const codeCache = '../node_modules/.cache/windrow';
/**
 * Memory as large as a chunk of a file is the system's again as soon as it is free. After the first of
 * them the C library would keep it in its heap, where what is small and stays settles in between:
 * 5 to 15 MB of `send` over Kafka, for a third of a millisecond a chunk.
 */
const CHUNKS_APART = { MALLOC_MMAP_THRESHOLD_: String(512 * 1024) };
/** A single file holds code whose types are gone, and its own cache. */
const inSources = import.meta.url.startsWith('file:');

void launch();

async function launch() {
  const runs = process.argv[2] === 'run';
  const servesWindows =
    process.platform === 'win32' && process.argv[2] === 'service' && process.argv[3] === 'run';
  const movesFiles = ['send', 'receive'].includes(process.argv[2] ?? '');
  if (runs) beginWithOneHeap({ flags: ['--no-concurrent-recompilation'] });
  if (movesFiles) beginWithOneHeap({ heap: process.argv[2] === 'send' ? CHUNKS_APART : {} });
  if (inSources) cacheCode();
  if (movesFiles) keepYoungSmall();
  if (runs) await run(process.argv.slice(3));
  else if (servesWindows) await serve();
  else await import('./main.ts');
}

/**
 * What counts only from a process's beginning; so this one begins again, with the same pid.
 *
 * - One heap of the C library for all threads: 3 MB less in an agent that runs, 30 MB where threads
 *   move gigabytes of files.
 * - Maglev, the quick compiler, which `--no-opt` leaves on, compiles one function at a time. What is
 *   done once a second becomes hot all at once, after 510 s, and a hundred functions side by side in
 *   threads of their own took 3 to 8 MB that stayed.
 * - What `CHUNKS_APART` says.
 *
 * Not where a parent holds a channel to this process, by which its end is noticed: that would be
 * lost.
 */
function beginWithOneHeap({ flags = [], heap = {} }) {
  if (process.platform !== 'linux' || process.env.MALLOC_ARENA_MAX !== undefined) return;
  if (process.connected) return;
  const own = inSources ? [...flags, ...process.execArgv, process.argv[1]] : [];
  process.execve(process.execPath, [process.execPath, ...own, ...process.argv.slice(2)], {
    ...process.env,
    MALLOC_ARENA_MAX: '1',
    ...heap,
  });
}

/**
 * A service has a folder for it (systemd's CacheDirectory). Else beside the code: who may write
 * there may change the code too. Where nobody may, the agent runs without, in more memory.
 */
function cacheCode() {
  const beside = fileURLToPath(new URL(codeCache, import.meta.url));
  process.env.NODE_COMPILE_CACHE ??= process.env.CACHE_DIRECTORY ?? beside;
  enableCompileCache(process.env.NODE_COMPILE_CACHE);
}

/** @param {string[]} flags */
async function run(flags) {
  // Not before the cache is there: it is kept apart for other flags.
  lighten();
  const { checkedSettings } = await import('./checked-settings.js');
  const settings = checkedSettings(flags);
  const { runToEnd } = await import('../runtime/run-to-end.ts');
  const { runAgent } = await import('./run.ts');
  await runToEnd('windrow-agent', () => runAgent(settings));
}

/** As a service of Windows, with the folder that `service install` has given it. */
async function serve() {
  lighten();
  const { serve } = await import('./service/windows.ts');
  const { runToEnd } = await import('../runtime/run-to-end.ts');
  await runToEnd('windrow-agent', () => serve(process.argv[4] ?? ''));
}
