import { describe } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { describeLog } from './log.ts';
import { describeLogTopics } from './log-topics.ts';

const create = async () => createMemoryLog({ clock: systemClock });

describe('memory', () => {
  describeLogTopics(create, {
    remove: async (log, topic) => log.remove(topic),
    grow: async (log, topic, partitions) => log.grow(topic, partitions),
  });
  describeLog(create, {
    async spoil(log, place) {
      const reason = 'broken';
      for (let i = 0; i < 2; i += 1) log.spoil(place, reason);
      return reason;
    },
  });
});
