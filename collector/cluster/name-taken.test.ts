import { join } from 'node:path';
import { afterEach, beforeEach, expect, it, onTestFinished, vi } from 'vitest';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { steady } from '../ingest/testing/records.ts';
import { createFleetLog, type Member, pass, send, startMember } from './testing/members.ts';
import { pc, samples } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('of two collectors with one name the first waits, with one word about it, until the other has gone', async () => {
  const fleetLog = createFleetLog();
  const members: Member[] = [];
  const start = (dataDir: string): Member => {
    const member = startMember({ fleetLog, name: 'host-1', dataDir });
    members.push(member);
    onTestFinished(() => {
      if (member.db.isOpen) member.db.close();
    });
    return member;
  };
  let seq = 0;
  const sendEachSecond = async (seconds: number): Promise<void> => {
    for (let i = 0; i < seconds; i += 1) {
      send(fleetLog, steady(fleetLog.clock.wallMs(), 1, { seq: (seq += 1) }), pc);
      await pass(1, fleetLog.clock, members);
    }
  };
  const folder = temporaryFolder();
  const first = start(folder);
  await sendEachSecond(10);
  const copy = start(temporaryFolder());
  await sendEachSecond(60);
  const errors = ({ lines }: Member) => lines.filter(({ level }) => level === 'error');
  expect(errors(first)).toMatchObject([
    {
      error: 'another member of group windrow is called host-1',
      hint: expect.stringContaining(join(folder, 'member')) as string,
    },
  ]);
  expect(first.cluster.failure).toBe('another member of group windrow is called host-1');
  expect(errors(copy)).toEqual([]);
  // The copy has all that no window of the first one was final with, and goes on undisturbed.
  expect(samples(copy)).toHaveLength(70);
  const assigned = copy.lines.filter(({ msg }) => msg === 'slots of the log are ours');
  expect(assigned).toHaveLength(1);
  members.splice(members.indexOf(copy), 1);
  await copy.stop();
  await sendEachSecond(20);
  expect(first.cluster.failure).toBeUndefined();
  expect(samples(first).at(-1)?.seq).toBe(90);
  expect(errors(first)).toHaveLength(1);
});
