/** Times of day without a date (`HH:MM:SS`, UTC), as SEEDS A's system writes them. */

export const dayMs = 24 * 60 * 60 * 1000;

/** Milliseconds since midnight, or undefined when the text is no `HH:MM:SS`. */
export function parseTimeOfDay(text: string): number | undefined {
  const match = /^([01]\d|2[0-3]):([0-5]\d):([0-5]\d)$/.exec(text);
  if (match === null) return undefined;
  return (Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1000;
}

/** The time of day with the date that brings it nearest to the reference: within 12 hours of it. */
export function nearestDate(timeOfDayMs: number, referenceMs: number): number {
  return timeOfDayMs + Math.round((referenceMs - timeOfDayMs) / dayMs) * dayMs;
}

/** `HH:MM:SS` of a moment, UTC. */
export function formatTimeOfDay(tsMs: number): string {
  return new Date(tsMs).toISOString().slice(11, 19);
}
