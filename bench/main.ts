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
};

const [name = '', ...rest] = process.argv.slice(2);
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
// Only the bench of the agent takes as long as one says.
if (load === undefined || (rest.length > 0 && name !== 'agent')) {
  console.error(`usage: npm run bench -- NAME\nNAME is one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const bench = await load();
  printResult(await bench.run(rest));
}
