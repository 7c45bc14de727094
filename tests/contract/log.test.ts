import { describe } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { createMemoryLog } from '../../wire/transport/log/memory.ts';
import { describeLog } from './log.ts';

describe('memory', () => {
  describeLog(async () => createMemoryLog({ clock: systemClock }));
});
