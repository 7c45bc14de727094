import { expect, it, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import type { Requests } from './client.ts';
import { kafkaError } from './errors.ts';
import { Following } from './following.ts';
import { answer, ignoring, topic } from './testing/answers.ts';

const waiting = new Promise<never>(() => {});

it('a topic that is not there is told with its name and what brings it back', async () => {
  const client = { metadata: async () => ({ topics: new Map() }) } as unknown as Requests;
  const { onAnswer, onTrouble } = ignoring;
  const of = { topic, log: createKeptLog().log, onAnswer, onTrouble };
  const following = new Following(client, of, { take: async () => {}, caughtUp: () => {} });
  const error: unknown = await following.round([], AbortSignal.abort()).catch((e: unknown) => e);
  expect(kafkaError(error, { what: 'it cannot be read' })).toMatchObject({
    message: `it cannot be read: topic ${topic} is not there`,
    hint: expect.stringContaining('Create') as string,
  });
});

it('an empty partition whose end no leader told at first is read up when its leader answers', async () => {
  let fetches = 0;
  const client: Requests = {
    metadata: async () => {
      const partitions = [{ leader: 1 }];
      return { topics: new Map([[topic, { id: 'id', partitions, partitionsCount: 1 }]]) } as never;
    },
    call: (async (api: string) => {
      if (api === 'ListOffsets') return { topics: [] };
      fetches += 1;
      return fetches === 1 ? answer([], 0) : waiting;
    }) as Requests['call'],
  };
  const events: string[] = [];
  const { onAnswer, onTrouble } = ignoring;
  const following = new Following(
    client,
    { topic, log: createKeptLog().log, onAnswer, onTrouble },
    {
      opened: (topicId) => void events.push(`opened ${topicId}`),
      take: async () => {},
      caughtUp: () => void events.push('caught up'),
    },
  );
  const stopping = new AbortController();
  const ended = following.round([], stopping.signal);
  await vi.waitFor(() => expect(events).toEqual(['opened id', 'caught up']));
  stopping.abort();
  await ended;
});
