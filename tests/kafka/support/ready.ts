/** Whether a collector reads what it is there to read. */
import { expect } from 'vitest';
import { eventually, getJson } from '../../support/http.ts';

/** Of a collector that has just begun, beside brokers that have too. */
const readyMsMax = 60_000;

/** @throws when it is not; the message has the collector's own words */
export async function expectReady({ url }: { readonly url: string }): Promise<void> {
  expect(await getJson(`${url}/readyz`)).toEqual({ status: 'ready' });
}

/** Waits until it is. Its topics are there then. */
export function untilReady(
  collector: { readonly url: string },
  timeoutMs = readyMsMax,
): Promise<void> {
  return eventually(() => expectReady(collector), timeoutMs);
}
