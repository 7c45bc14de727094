import { expect, it } from 'vitest';
import { WindrowError } from '../../runtime/errors.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { createManualClock } from '../../runtime/testing/manual-clock.ts';
import { decodeNumber, NUMBERS_TOPIC } from '../../wire/compat/seed-d.ts';
import { Trouble } from '../../wire/transport/kafka/trouble.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { prepareTopics } from '../../wire/transport/log/prepare.ts';
import { generate } from './generate.ts';

const never = new AbortController().signal;

const spec = { name: NUMBERS_TOPIC, partitions: 1, replicas: undefined, settings: {} };

function scene(topics: Record<string, number>) {
  const log = createMemoryLog({ topics, clock: createManualClock() });
  const kept = createKeptLog();
  const sent: string[] = [];
  const options = {
    producer: log.producer(),
    makeTopic: (signal: AbortSignal) => prepareTopics(log, [spec], signal),
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

it('a topic that somebody deletes meanwhile is made again, and no number is lost behind that', async () => {
  const { log, options, sent, values, lines } = scene({ [NUMBERS_TOPIC]: 1 });
  const onSent = (value: string): void => {
    options.onSent(value);
    if (sent.length === 2) log.remove(NUMBERS_TOPIC);
  };
  await generate({ ...options, onSent }, never);
  expect(sent).toHaveLength(5);
  expect(values()).toEqual(sent.slice(2));
  expect(lines.map(({ level }) => level)).toEqual(['warn', 'info']);
});

it('why a topic cannot be made again is told once, and tried until it can be', async () => {
  const { log, options, sent, values, lines } = scene({});
  const denied = new WindrowError('unauthorized', 'topic numbers cannot be made', {
    retryable: true,
    hint: 'Allow Create on topic numbers.',
  });
  let tries = 0;
  const makeTopic = async (signal: AbortSignal): Promise<void> => {
    tries += 1;
    if (tries < 3) throw denied;
    await prepareTopics(log, [spec], signal);
  };
  await generate({ ...options, makeTopic }, never);
  expect(tries).toBe(3);
  expect(values()).toEqual(sent);
  expect(lines.map(({ msg }) => msg)).toEqual([
    expect.stringContaining(NUMBERS_TOPIC),
    denied.message,
    'numbers are taken again',
  ]);
});

it('ends when it is stopped, also while nothing gets through', async () => {
  const { options, sent } = scene({});
  const stopping = new AbortController();
  const running = generate(options, stopping.signal);
  stopping.abort();
  await running;
  expect(sent).toEqual([]);
});
