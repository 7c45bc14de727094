/** Who is told of an alert's end was told of its begin before, and each of the two once. */
import type { Outcome } from '../outcome.ts';

interface Told {
  readonly key: string;
  readonly status: 'firing' | 'resolved';
  readonly confirmed: boolean;
}

export function alertViolations({ notified, collectorForgets }: Outcome): string[] {
  const byAlert = new Map<string, Told[]>();
  for (const { key, confirmed, alerts } of notified) {
    for (const { alert, status } of alerts) {
      const told = byAlert.get(alert) ?? [];
      told.push({ key, status, confirmed });
      byAlert.set(alert, told);
    }
  }
  return [...byAlert].flatMap(([alert, told]) =>
    wrongWith(told, collectorForgets).map((wrong) => `alert ${alert}: ${wrong}`),
  );
}

function wrongWith(told: readonly Told[], collectorForgets: boolean): string[] {
  const wrong = inOrder(told) ? [] : [`told ${statuses(told)}`];
  for (const status of ['firing', 'resolved'] as const) {
    const same = told.filter((one) => one.status === status);
    for (const repeat of repeats(same, collectorForgets)) wrong.push(`${status} ${repeat}`);
  }
  return wrong;
}

function statuses(told: readonly Told[]): string {
  return told.map(({ status }) => status).join(', ');
}

/** Firing, however often, and then resolved, however often. */
function inOrder(told: readonly Told[]): boolean {
  const firstResolved = told.findIndex(({ status }) => status === 'resolved');
  const lastFiring = told.findLastIndex(({ status }) => status === 'firing');
  return lastFiring >= 0 && (firstResolved < 0 || firstResolved > lastFiring);
}

function repeats(told: readonly Told[], collectorForgets: boolean): string[] {
  const wrong: string[] = [];
  if (new Set(told.map(({ key }) => key)).size > 1) wrong.push('repeated with another key');
  // Only who was killed, or could not write it down, does not know that it has told.
  const again = told.slice(0, -1).some(({ confirmed }) => confirmed);
  if (again && !collectorForgets) wrong.push('repeated though it had been confirmed');
  return wrong;
}
