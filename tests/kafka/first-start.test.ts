/** What a person reads in the logs when all is well, and when a broker dies. */
import { describe, expect, it } from 'vitest';
import { eventually, metric } from '../support/http.ts';
import { type Program, run, startAgent, startCollector, tempDir } from '../support/programs.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';
import { untilReady } from './support/ready.ts';

const waitMsMax = 90_000;
/** Pino's number. */
const warnLevel = 40;

/** Messages of warnings and errors. */
function complaintsOf(program: Program): string[] {
  return program
    .log()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { readonly level: number; readonly msg: string })
    .flatMap(({ level, msg }) => (level >= warnLevel ? [msg] : []));
}

describe.skipIf(kafkaMissing)('brokers that have just started', () => {
  it('doctor waits until they can tell', async () => {
    await using cluster = await startCluster();
    using data = tempDir();
    const own = ['--port', '0', '--data', data.path];
    const kafka = ['--kafka', cluster.brokers.join(',')];
    const { code, stdout } = await run('collector', ['doctor', ...own, ...kafka]);
    expect(stdout).toMatch(/^OK {4}rights/m);
    expect(code, stdout).toBe(0);
  });

  it(
    'are no line in the logs of both programs; one that dies is one line each, with its cause',
    async () => {
      await using cluster = await startCluster();
      const args = ['--kafka', cluster.brokers.join(',')];
      // One whose address others can reach: else that is told.
      const page = ['--url', 'http://monitor.example.org'];
      await using collector = await startCollector({ args: [...args, ...page] });
      await using agent = await startAgent({ to: 'http://127.0.0.1:9', args });
      await untilReady(collector);
      const received = (): Promise<number> =>
        metric(collector.url, 'windrow_samples_received_total');
      const unpublished = (): Promise<number> =>
        metric(collector.url, 'windrow_results_unpublished_records');
      await eventually(async () => {
        expect(await received()).toBeGreaterThan(3);
        expect(await unpublished()).toBe(0);
      }, waitMsMax);
      expect([...complaintsOf(collector), ...complaintsOf(agent)]).toEqual([]);

      await cluster.nodes[0]?.kill();
      await eventually(async () => {
        expect(complaintsOf(agent)).toEqual([
          expect.stringMatching(/no broker answers there; samples wait$/),
        ]);
        const complaints = complaintsOf(collector);
        for (const what of ['group windrow cannot read', 'alerts cannot be read']) {
          expect(complaints).toContain(`${what}: no broker answers there`);
        }
      }, waitMsMax);
      const complaints = complaintsOf(collector);
      expect(new Set(complaints).size).toBe(complaints.length);
      for (const complaint of complaints) expect(complaint).toContain('no broker answers there');
    },
    5 * waitMsMax,
  );
});
