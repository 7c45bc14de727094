/** `npm run bench -- NAME`: runs one benchmark and prints what it measured. */
import { type BenchResult, printResult } from './result.ts';

const BENCHES: Readonly<
  Record<string, () => Promise<{ run(args: readonly string[]): Promise<BenchResult> }>>
> = {
  windows: () => import('./windows.ts'),
  sampler: () => import('./sampler.ts'),
  ingest: () => import('./ingest.ts'),
  alerts: () => import('./alerts.ts'),
  agent: () => import('./agent.ts'),
  'catch-up': () => import('./catch-up.ts'),
  'single-file': () => import('./single-file.ts'),
  'kafka-ingest': () => import('./kafka-ingest.ts'),
  'kafka-scale': () => import('./kafka-scale.ts'),
  'kafka-latency': () => import('./kafka-latency.ts'),
  hash: () => import('./hash.ts'),
  blocks: () => import('./blocks.ts'),
  transfer: () => import('./transfer.ts'),
};

const [name = '', ...rest] = process.argv.slice(2);
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
/** How long the agent is watched, how much is sent, and whether windows wait, one may say. */
const withOptions = new Set(['agent', 'blocks', 'kafka-latency', 'transfer']);
if (load === undefined || (rest.length > 0 && !withOptions.has(name))) {
  console.error(`usage: npm run bench -- NAME\nNAME is one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const bench = await load();
  printResult(await bench.run(rest));
}
