import { expect, it, onTestFinished, vi } from 'vitest';
import { systemClock } from '../../runtime/clock.ts';
import { DurableQueue } from '../../runtime/queue/queue.ts';
import { createKeptLog } from '../../runtime/testing/kept-log.ts';
import { temporaryFolder } from '../../runtime/testing/temporary-folder.ts';
import { openForWriting } from '../store/database.ts';
import type { AlertNotice } from './alert.ts';
import { Notifications, type NotificationSettings } from './notifications.ts';
import { notifiersSchema } from './notifiers/settings.ts';
import { madeNotice } from './testing/notices.ts';
import { startReceiver } from './testing/receiver.ts';

function settingsFor(urls: Readonly<Record<string, string>>): NotificationSettings {
  const notifiers = Object.entries(urls).map(([name, url]) => [
    name,
    // Longer than any test: what ends earlier is ended by us.
    { type: 'webhook', url, timeout: '60s' },
  ]);
  return {
    notifiers: notifiersSchema.parse(Object.fromEntries(notifiers)),
    silences: [],
    groupWaitMs: 0,
  };
}

function started(settings: NotificationSettings, dataDir = temporaryFolder()) {
  const db = openForWriting(dataDir);
  const { log, lines } = createKeptLog();
  const outcomes: string[] = [];
  const notifications = new Notifications(
    {
      db,
      pageUrl: 'http://master:7861',
      observer: {
        settled: (name, outcome, notices) => void outcomes.push(`${name} ${outcome} ${notices}`),
        delayed: () => {},
      },
      clock: systemClock,
      log,
    },
    settings,
  );
  const stop = async (): Promise<void> => {
    await notifications.stop();
    if (db.isOpen) db.close();
  };
  onTestFinished(stop);
  const enqueue = (lane: string, server: string): void => {
    const notice: AlertNotice = madeNotice({ server, enqueuedMs: systemClock.wallMs() });
    const body = JSON.stringify(notice);
    new DurableQueue(db).add({ lane, no: null, atMs: notice.enqueuedMs, body });
    notifications.wake();
  };
  return { db, notifications, outcomes, lines, enqueue, stop, dataDir };
}

it('each notifier has its own pace: one that is down holds up no other', async () => {
  const receiver = await startReceiver();
  const running = started(settingsFor({ down: 'http://127.0.0.1:1', up: receiver.url }));
  running.enqueue('down', 'pc-1');
  running.enqueue('up', 'pc-1');
  await vi.waitFor(() => expect(running.outcomes).toEqual(['up sent 1']));
  await vi.waitFor(() => expect(running.lines).toMatchObject([{ notifier: 'down' }]));
  running.enqueue('up', 'pc-2');
  await vi.waitFor(() => expect(receiver.received).toHaveLength(2));
  expect(running.notifications.waiting()).toEqual(
    new Map([
      ['down', 1],
      ['up', 0],
    ]),
  );
});

it('a stop waits for what is on its way, so that a clean restart does not repeat it', async () => {
  const receiver = await startReceiver();
  receiver.answer((response) => void setTimeout(() => response.end(), 300));
  const first = started(settingsFor({ ops: receiver.url }));
  first.enqueue('ops', 'pc-1');
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1));
  await first.stop();
  expect(first.outcomes).toEqual(['ops sent 1']);
  receiver.answer((response) => response.end());
  const second = started(settingsFor({ ops: receiver.url }), first.dataDir);
  second.enqueue('ops', 'pc-2');
  await vi.waitFor(() => expect(second.outcomes).toEqual(['ops sent 1']));
  expect(receiver.received).toHaveLength(2);
});

it('a receiver that never answers does not keep the collector from stopping', async () => {
  const receiver = await startReceiver();
  receiver.answer(() => {});
  const first = started(settingsFor({ ops: receiver.url }));
  first.enqueue('ops', 'pc-1');
  await vi.waitFor(() => expect(receiver.received).toHaveLength(1));
  await first.stop();
  // It was our choice, not the receiver's failure.
  expect(first.lines).toEqual([]);
  receiver.answer((response) => response.end());
  const second = started(settingsFor({ ops: receiver.url }), first.dataDir);
  await vi.waitFor(() => expect(second.outcomes).toEqual(['ops sent 1']));
  const keys = receiver.received.map(({ headers }) => headers['idempotency-key']);
  expect(keys).toHaveLength(2);
  expect(new Set(keys).size).toBe(1);
});

it('a reload adds, changes and removes notifiers; what waits for a changed one goes to its new address', async () => {
  const [kept, moved] = [await startReceiver(), await startReceiver()];
  const running = started(
    settingsFor({ kept: kept.url, moved: 'http://127.0.0.1:1', gone: 'http://127.0.0.1:1' }),
  );
  for (const name of ['moved', 'gone']) running.enqueue(name, 'pc-1');
  await vi.waitFor(() => expect(running.lines).toHaveLength(2));
  running.enqueue('gone', 'pc-2');
  await running.notifications.reload(
    settingsFor({ kept: kept.url, moved: moved.url, fresh: kept.url }),
  );
  await vi.waitFor(() => expect(moved.received).toHaveLength(1));
  running.enqueue('fresh', 'pc-2');
  running.enqueue('kept', 'pc-3');
  await vi.waitFor(() => expect(kept.received).toHaveLength(2));
  expect([...running.notifications.waiting().keys()].sort()).toEqual(['fresh', 'kept', 'moved']);
  expect(running.lines.at(-1)).toMatchObject({ level: 'warn', notices: 1 });
});

it('a reload while the store cannot be written leaves every notifier at work', async () => {
  const receiver = await startReceiver();
  const running = started(settingsFor({ ops: 'http://127.0.0.1:1', gone: 'http://127.0.0.1:1' }));
  running.enqueue('gone', 'pc-1');
  await vi.waitFor(() => expect(running.lines).toHaveLength(1));
  running.db.exec('PRAGMA query_only = ON');
  await running.notifications.reload(settingsFor({ ops: receiver.url }));
  running.db.exec('PRAGMA query_only = OFF');
  running.enqueue('ops', 'pc-2');
  await vi.waitFor(() => expect(running.outcomes).toEqual(['ops sent 1']));
});

it('a reload doubles nothing that is on its way, neither to who stays nor to who moves', async () => {
  const [kept, old, moved] = [await startReceiver(), await startReceiver(), await startReceiver()];
  const answers = new Map<string, () => void>();
  for (const [name, receiver] of Object.entries({ kept, old })) {
    receiver.answer((response) => void answers.set(name, () => response.end()));
  }
  const running = started(settingsFor({ kept: kept.url, moved: old.url }));
  for (const name of ['kept', 'moved']) running.enqueue(name, 'pc-1');
  await vi.waitFor(() => expect(answers.size).toBe(2));
  const reloaded = running.notifications.reload(settingsFor({ kept: kept.url, moved: moved.url }));
  answers.get('old')?.();
  await reloaded;
  running.enqueue('moved', 'pc-2');
  await vi.waitFor(() => expect(moved.received).toHaveLength(1));
  kept.answer((response) => response.end());
  answers.get('kept')?.();
  running.enqueue('kept', 'pc-2');
  await vi.waitFor(() => expect(kept.received.at(-1)?.body).toContain('pc-2'));
  expect([kept, old, moved].map(({ received }) => received.length)).toEqual([2, 1, 1]);
  expect(moved.received[0]?.body).toContain('pc-2');
});
