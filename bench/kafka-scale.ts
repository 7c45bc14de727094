/**
 * `bench kafka-scale`: what grows with collectors and with servers. One and two collectors of a
 * group take in what waits in 6 partitions of a real broker; and one takes in as many samples of
 * 1,000 servers and of 50,000, each sent alone with a header of its own.
 */
import { fillTopics, takeIn, type Taken } from './kafka-collectors.ts';
import { startBroker } from './kafka-log.ts';
import { type BenchResult, median, rounded } from './result.ts';

const runs = 3;
const samples = 300_000;
const serversFew = 1_000;
/** As many as a collector takes. */
const serversMany = 50_000;

interface Case {
  readonly servers: number;
  readonly collectors: number;
}

const CASES: Readonly<Record<string, Case>> = {
  one_collector: { servers: serversFew, collectors: 1 },
  two_collectors: { servers: serversFew, collectors: 2 },
  many_servers: { servers: serversMany, collectors: 1 },
};

export async function run(): Promise<BenchResult> {
  const measured = new Map<string, Taken[]>();
  for (const servers of [serversFew, serversMany]) {
    await using broker = await startBroker();
    const { brokers } = broker;
    await fillTopics(brokers, { kind: 'live', servers, samples });
    const cases = Object.entries(CASES).filter(([, each]) => each.servers === servers);
    // They take turns, so that each meets the same machine.
    for (let i = 0; i < runs; i += 1) {
      for (const [name, { collectors }] of cases) {
        const taken = await takeIn({ brokers, collectors, records: samples });
        measured.set(name, [...(measured.get(name) ?? []), taken]);
        console.log(`${name}: run ${i + 1} of ${runs} is done`);
      }
    }
  }
  return resultOf((name, figure) =>
    median((measured.get(name) ?? []).map((taken) => taken[figure])),
  );
}

function resultOf(of: (name: string, figure: keyof Taken) => number): BenchResult {
  const figures: Record<string, number> = {};
  for (const name of Object.keys(CASES)) {
    figures[`${name}_recordsPerSecond`] = rounded(of(name, 'recordsPerSecond'));
    figures[`${name}_cpuUsPerRecord`] = rounded(of(name, 'cpuUsPerRecord'));
    figures[`${name}_rssMib`] = rounded(of(name, 'rssMib'));
    figures[`${name}_recordsMissing`] = of(name, 'recordsMissing');
  }
  const grownMib = of('many_servers', 'rssMib') - of('one_collector', 'rssMib');
  figures['kibPerServer'] = rounded((grownMib * 1024) / (serversMany - serversFew));
  const ratio = (figure: keyof Taken, above: string): number =>
    rounded(of(above, figure) / of('one_collector', figure));
  return {
    bench: 'kafka-scale',
    figures,
    ratios: {
      speedOfTwoCollectors: ratio('recordsPerSecond', 'two_collectors'),
      costOfTwoCollectors: ratio('cpuUsPerRecord', 'two_collectors'),
      costOf50000To1000Servers: ratio('cpuUsPerRecord', 'many_servers'),
    },
  };
}
