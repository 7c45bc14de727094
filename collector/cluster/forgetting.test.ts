import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WINDOW_RESULTS_TOPIC } from '../../wire/records/window-result.ts';
import { goodbye } from '../ingest/testing/records.ts';
import { send } from './testing/members.ts';
import { fleet, pc } from './testing/stage.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

it('a server that is forgotten goes from the topic by whoever has its slot, though nothing of it came there', async () => {
  const f = fleet();
  const [one, two] = [await f.start('one'), await f.start('two')];
  await f.sendEachSecond(20);
  send(f, [goodbye('pc', 'boot', f.clock.wallMs())], pc);
  // All its windows are final: whoever has its slot next reads nothing of it.
  await f.pass(60);
  const sourceIn = ({ registry }: typeof one) => registry.find('pc', '')!;
  const owner = sourceIn(one).isOurs ? one : two;
  const heir = owner === one ? two : one;
  owner.ingest.takeOut(sourceIn(owner));
  owner.cluster.tell(sourceIn(owner));
  await f.pass(2);
  await owner.stop();
  await f.pass(2);
  expect(sourceIn(heir)).toMatchObject({ isOurs: false, decommissioned: true });
  const tombstones = () =>
    f.log.records(WINDOW_RESULTS_TOPIC).filter(({ value }) => value === undefined);
  const third = await f.start('three');
  await f.pass(1);
  const hasSlot = (member: typeof one) => member.cluster.share.hasServer(sourceIn(member));
  const [having, others] = hasSlot(heir) ? [heir, third] : [third, heir];
  others.cluster.forget(sourceIn(others));
  await f.pass(1);
  expect(tombstones()).toEqual([]);
  having.cluster.forget(sourceIn(having));
  await f.pass(1);
  expect(tombstones().map(({ key }) => key?.toString())).toEqual(['pc']);
});
