/** `npm run bench -- NAME`: runs one benchmark and prints what it measured. */
import { type BenchResult, printResult } from './result.ts';

const BENCHES: Readonly<Record<string, () => Promise<{ run(): Promise<BenchResult> }>>> = {
  windows: () => import('./windows.ts'),
  sampler: () => import('./sampler.ts'),
  ingest: () => import('./ingest.ts'),
};

const [name = '', ...rest] = process.argv.slice(2);
const load = Object.hasOwn(BENCHES, name) ? BENCHES[name] : undefined;
if (load === undefined || rest.length > 0) {
  console.error(`usage: npm run bench -- NAME\nNAME is one of: ${Object.keys(BENCHES).join(', ')}`);
  process.exitCode = 2;
} else {
  const bench = await load();
  printResult(await bench.run());
}
