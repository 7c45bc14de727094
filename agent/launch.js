#!/usr/bin/env node
/**
 * The agent as people start it: main.ts, in as little memory as Node allows.
 *
 * In JavaScript, because the first .ts file whose plain text is not in Node's cache loads Node's
 * TypeScript compiler, and 18 MB stay. So the cache is switched on before; and as filling it costs
 * just that, and the libraries that check flags and settings 25 MB more, `run` leaves both to a
 * child process that ends.
 */
import { spawnSync } from 'node:child_process';
import { enableCompileCache } from 'node:module';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';

const settingsFd = 3;
const settingsMsMax = 60_000;

// A service has a folder for it (systemd's CacheDirectory). Else beside the code: who may write
// there may change the code too. Where nobody may, the agent runs without, in more memory.
process.env.NODE_COMPILE_CACHE ??=
  process.env.CACHE_DIRECTORY ?? pathOf('../node_modules/.cache/windrow');
enableCompileCache(process.env.NODE_COMPILE_CACHE);
// The optimizing compilers alone are 5 MB of memory, and cost more than they save for what works a
// few milliseconds each second. Not before the cache is there: it is kept apart for other flags.
setFlagsFromString('--no-opt');
// Starting up makes the space for new objects grow to eight times what the work then needs.
setFlagsFromString('--semi-space-growth-factor=1');
// Old objects are collected after 2 MB of new ones, not 8.
setFlagsFromString('--optimize-for-size');

if (process.argv[2] === 'run') await run(process.argv.slice(3));
else await import('./main.ts');

/** @param {string[]} flags */
async function run(flags) {
  const settings = settingsOf(flags);
  const { runToEnd } = await import('../runtime/run-to-end.ts');
  const { runAgent } = await import('./run.ts');
  await runToEnd('windrow-agent', () => runAgent(JSON.parse(settings)));
}

/** What `flags` come to, as JSON, checked by main.ts in a process of its own. */
function settingsOf(flags) {
  const verb = [pathOf('./main.ts'), 'run', '--settings-fd', `${settingsFd}`];
  const { status, output, error } = spawnSync(
    process.execPath,
    [...process.execArgv, ...verb, ...flags],
    { stdio: ['inherit', 'inherit', 'inherit', 'pipe'], timeout: settingsMsMax },
  );
  if (error !== undefined) throw error;
  const settings = output[settingsFd].toString();
  // It has said what is wrong, or how the verb is used.
  if (status !== 0 || settings === '') process.exit(status ?? 1);
  return settings;
}

function pathOf(relative) {
  return fileURLToPath(new URL(relative, import.meta.url));
}
