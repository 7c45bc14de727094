import { expect, it } from 'vitest';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { decodeNumber, NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { Trouble } from '../../wire/transport/kafka/trouble.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { generate } from './generate.ts';

const never = new AbortController().signal;

function scene(topics: Record<string, number>) {
  const log = createMemoryLog({ topics, clock: createManualClock() });
  const kept = createKeptLog();
  const sent: string[] = [];
  const options = {
    producer: log.producer(),
    address: '::1',
    intervalMs: 1,
    count: 5,
    trouble: new Trouble(kept.log, 'numbers are taken again'),
    onSent: (value: string) => void sent.push(value),
  };
  const values = (): string[] => log.records(NUMBERS_TOPIC).map(({ value }) => String(value));
  return { log, options, sent, values, lines: kept.lines };
}

it('writes as many numbers as asked, as the old adder reads them', async () => {
  const { options, sent, values } = scene({ [NUMBERS_TOPIC]: 1 });
  await generate(options, never);
  expect(values()).toHaveLength(5);
  expect(values()).toEqual(sent);
  for (const value of values()) {
    expect(decodeNumber(Buffer.from(value))).toMatchObject({ address: '::1' });
  }
});

it('a number that does not get through is sent again, told once, and none is skipped', async () => {
  const { log, options, sent, values, lines } = scene({ [NUMBERS_TOPIC]: 1 });
  log.failSends(2);
  await generate(options, never);
  expect(values()).toEqual(sent);
  expect(sent).toHaveLength(5);
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

it('ends when it is stopped, also while nothing gets through', async () => {
  const { options, sent } = scene({});
  const stopping = new AbortController();
  const running = generate(options, stopping.signal);
  stopping.abort();
  await running;
  expect(sent).toEqual([]);
});
