/** What was taken into an outbox is stored once, as it was measured, and accounted for. */
import { isDeepStrictEqual } from 'node:util';
import type { ServerOutcome } from '../outcome.ts';
import { expectedValues, numberOf } from '../script.ts';

/** Numbers shown of many. */
const shownMax = 10;

export function sampleViolations(server: ServerOutcome): string[] {
  return [
    ...neverMeasured(server),
    ...storedTwice(server),
    ...notStored(server),
    ...wronglyAccounted(server),
  ];
}

function neverMeasured({ samples }: ServerOutcome): string[] {
  const wrong = samples.filter(
    ({ values }) => !isDeepStrictEqual(values, expectedValues(numberOf(values))),
  );
  return wrong
    .slice(0, shownMax)
    .map(({ values }) => `stored what was not measured: ${values.join(', ')}`);
}

function storedTwice({ samples }: ServerOutcome): string[] {
  const byNumber = repeated(samples.map(({ values }) => String(numberOf(values))));
  const byIdentity = repeated(samples.map(({ bootId, seq }) => `${bootId} ${seq}`));
  return [...told('stored twice', byNumber), ...told('stored under one identity', byIdentity)];
}

function notStored({ samples, noted, mayLose }: ServerOutcome): string[] {
  const stored = new Set(samples.map(({ values }) => numberOf(values)));
  const missing = noted.filter((number) => !stored.has(number) && !mayLose(number));
  return told('not stored', missing.map(String));
}

function wronglyAccounted({ samples, accounting, clockStepped, losable }: ServerOutcome): string[] {
  if (accounting === undefined) return samples.length === 0 ? [] : ['is not known'];
  const { received, late, lost, conflict } = accounting;
  const wrong: string[] = [];
  if (received !== samples.length) wrong.push(`${received} received, ${samples.length} stored`);
  if (!losable && lost > 0) wrong.push(`${lost} counted as lost that were not`);
  if (!losable && !clockStepped && late > 0) wrong.push(`${late} late, though nothing was`);
  if (conflict !== null) wrong.push('two agents seen where there is one');
  return wrong;
}

function repeated(names: readonly string[]): string[] {
  const groups = Map.groupBy(names, (name) => name);
  return [...groups].filter(([, group]) => group.length > 1).map(([name]) => name);
}

function told(what: string, names: readonly string[]): string[] {
  if (names.length === 0) return [];
  const more = names.length > shownMax ? ' …' : '';
  return [`${names.length} ${what}: ${names.slice(0, shownMax).join(', ')}${more}`];
}
