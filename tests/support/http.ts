/** Small HTTP helpers for tests. */
import { vi } from 'vitest';

export async function getJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return (await response.json()) as T;
}

/** One counter or gauge without labels, from /metrics. */
export async function metric(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const line = text.split('\n').find((candidate) => candidate.startsWith(`${name} `));
  if (line === undefined) throw new Error(`/metrics has no ${name}`);
  return Number(line.slice(name.length + 1));
}

/** An agent that could not send tries again after 30 s at the latest, and has to get through then. */
const waitMsMax = 45_000;

/** Waits until `probe` no longer throws; the bound belongs to the test. */
export function eventually<T>(probe: () => Promise<T>, timeoutMs = waitMsMax): Promise<T> {
  return vi.waitFor(probe, { timeout: timeoutMs, interval: 100 });
}
