/** `config show` and `config check`: what is set, and where each value came from. */
import type { Finding } from '../doctor.ts';
import type { Loaded, Spec } from './load.ts';

/** A line a setting: `key  value  # origin`, in columns. */
export function describeConfig(loaded: Loaded<Spec>): string {
  const rows = Object.keys(loaded.origins).map((key) => ({
    key,
    value: written(loaded.written[key]),
    origin: loaded.origins[key] ?? '',
  }));
  const keyWidth = Math.max(...rows.map((row) => row.key.length));
  const valueWidth = Math.min(40, Math.max(...rows.map((row) => row.value.length)));
  return rows
    .map((row) => `${row.key.padEnd(keyWidth)}  ${row.value.padEnd(valueWidth)}  # ${row.origin}\n`)
    .join('');
}

/** One line that says the configuration is good, and warnings for what looks like a slip. */
export function describeCheck(loaded: Loaded<Spec>, slip?: Finding): string {
  const slips = loaded.unknownVariables.map(
    (name) => `${name} is set but is no setting of this program`,
  );
  if (slip !== undefined) slips.push(slip.message);
  return `${slips.map((text) => `warning: ${text}\n`).join('')}configuration is good (${loaded.file ?? 'no file: defaults'})\n`;
}

function written(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
