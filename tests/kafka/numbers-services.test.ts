/** The units of generator and adder, as they are installed, under a running systemd. */
import { describe, expect, it } from 'vitest';
import { eventually } from '../support/http.ts';
import { mayStartSystemd, startSystemd } from '../support/systemd-machine.ts';
import { kafkaMissing, startCluster } from './support/kafka.ts';

const generator = 'windrow-generator.service';
const adder = 'windrow-adder.service';
const startMsMax = 60_000;

describe.skipIf(kafkaMissing || !mayStartSystemd())('under a running systemd (needs root)', () => {
  it('the generator generates, the adder adds up, and a killed adder goes on with its total', async () => {
    await using cluster = await startCluster();
    const settings = `transport: kafka\nbrokers: [${cluster.brokers.join(', ')}]\n`;
    await using machine = await startSystemd({
      settings: { 'agent.yaml': settings, 'collector.yaml': settings },
      overrides: { [adder]: '[Service]\nRestartSec=100ms\n' },
    });
    for (const unit of [generator, adder]) {
      expect(machine.run('systemctl', 'start', unit).code, machine.journal(unit)).toBe(0);
    }
    const totals = (): { total: number; numbers: number }[] =>
      machine
        .journal(adder)
        .split('\n')
        .filter((line) => line.startsWith('{"total"'))
        .map((line) => JSON.parse(line) as { total: number; numbers: number });
    const reaches = (numbers: number): Promise<void> =>
      eventually(
        async () => expect(totals().at(-1)?.numbers).toBeGreaterThanOrEqual(numbers),
        startMsMax,
      );
    await reaches(2);
    const before = totals().length;
    const pid = machine.property(adder, 'MainPID');
    expect(Number(pid)).toBeGreaterThan(1);
    expect(machine.run('kill', '-KILL', pid).code).toBe(0);
    await eventually(async () => expect(totals().length).toBeGreaterThan(before), startMsMax);
    await reaches((totals().at(-1)?.numbers ?? 0) + 1);
    const stop = (unit: string): void => {
      expect(machine.run('systemctl', 'stop', unit).code).toBe(0);
      expect(machine.property(unit, 'Result')).toBe('success');
    };
    // The adder first: a number may be in Kafka a moment before its generator says so.
    stop(adder);
    const { total, numbers } = totals().at(-1) ?? { total: 0, numbers: 0 };
    const added = await eventually(async () => {
      const generated = machine
        .journal(generator)
        .split('\n')
        .flatMap((line) => /^[\d.]+:(\d+)$/.exec(line)?.[1] ?? [])
        .map(Number);
      expect(generated.length).toBeGreaterThanOrEqual(numbers);
      return generated.slice(0, numbers);
    }, startMsMax);
    expect(total).toBe(added.reduce((sum, number) => sum + number, 0));
    stop(generator);
  }, 400_000);
});
