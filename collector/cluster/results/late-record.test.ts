import { expect, it } from 'vitest';
import { noonMs } from '../../../runtime/testing/manual-clock.ts';
import { temporaryFolder } from '../../../runtime/testing/temporary-folder.ts';
import { WINDOW_RESULTS_TOPIC as topic } from '../../../wire/records/window-result.ts';
import { steady } from '../../ingest/testing/records.ts';
import { published, recordOf, useCollectors } from './testing/collectors.ts';
import { settle } from './testing/rig.ts';

const fixture = useCollectors();

it('a late record of a replaced collector takes nothing back, over a restart either', async () => {
  const { start, log } = fixture();
  const dataDir = temporaryFolder();
  const one = start('one', { dataDir });
  await one.send(steady(noonMs, 60));
  await settle();
  const known = { closedThroughMs: noonMs + 50_000, firstPaneMs: noonMs };
  expect(one.results.known('pc', '')).toEqual(known);
  const before = one.windows();
  const first = published(log).find(({ final }) => final);
  if (first === undefined) throw new Error('nothing is final');
  expect(first.closed_through_ms).toBeLessThan(noonMs + 50_000);
  const owner = { ...first.owner, id: 'two', run: 'earlier' };
  const partition = log.records(topic)[0]?.partition ?? 0;
  log.append({ ...recordOf({ ...first, first_pane_ms: null, owner }), partition });
  await settle();
  expect(one.results.known('pc', '')).toEqual(known);
  await one.kill();
  const again = start('one', { dataDir });
  await settle();
  expect(again.results.known('pc', '')).toEqual(known);
  // From where the open windows begin the log is read again.
  await again.send(steady(noonMs + 30_000, 30, { seq: 30 }), { isReread: true });
  await again.send(steady(noonMs + 60_000, 30, { seq: 60 }));
  await settle();
  expect(again.windows().slice(0, 6)).toEqual(before.slice(0, 6));
});
