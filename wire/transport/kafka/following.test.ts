import { expect, it, vi } from 'vitest';
import { createKeptLog } from '../../../runtime/testing/kept-log.ts';
import type { Requests } from './client.ts';
import { Following } from './following.ts';
import { answer, ignoring, topic } from './testing/answers.ts';

const waiting = new Promise<never>(() => {});

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
