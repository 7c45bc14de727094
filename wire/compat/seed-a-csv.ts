/**
 * The CSV files of the server-metrics system, as a stream of rows: the file is read, never held.
 *
 *   ts|timestamp,server_id,cpu_pct,mem_pct[,net_in,net_out,disk_io]
 *
 * The header names the columns, in any order; others are ignored. An empty cell is an absent
 * value. Time's forms are in event-time.ts, the grammar in csv.ts.
 */
import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { fileTroubleOf, WindrowError } from '../../runtime/errors.ts';
import { plural } from '../../runtime/plural.ts';
import { metricAbsMax } from '../limits.ts';
import { METRICS } from '../metrics.ts';
import { inert, serverId } from '../records/fields.ts';
import { CsvFramer, type CsvRecord } from './csv.ts';
import { EventTimes } from './event-time.ts';

/** Servers of one file; beyond it, the column is hardly a server's name. */
const serversMax = 100_000;
/** Rows that are named where none can be read: mostly all have one fault. */
const namedMax = 3;
/** Characters of a cell that are shown; a time or a number has fewer. */
const shownCharsMax = 60;

export interface CsvOptions {
  /** Midnight (UTC) of the day that the first row gets when its time has no date. */
  readonly firstDayMs: number;
  readonly signal?: AbortSignal | undefined;
}

export interface CsvRow {
  /** Where the row begins in the file; the header is line 1. */
  readonly line: number;
  readonly tsMs: number;
  /** Its date comes from `firstDayMs`: neither it nor a row before has its own. */
  readonly isFromFirstDay: boolean;
  readonly serverId: string;
  /** In the order of METRICS, NaN where the row has none. */
  readonly values: number[];
}

export interface MalformedRow {
  readonly line: number;
  readonly malformed: string;
  readonly text: string;
}

export interface CsvScan {
  /** Of the file's bytes, 64 hex digits. */
  readonly sha256: string;
  /** The earliest event, to which windows align. */
  readonly originMs: number;
  /** The earliest of the rows that have their date from `firstDayMs`; undefined where none has. */
  readonly undatedOriginMs: number | undefined;
  readonly latestMs: number;
  readonly rows: number;
  /** Rows of one time that follow each other are one. */
  readonly groups: number;
  readonly malformed: number;
  /** By first appearance. */
  readonly servers: readonly string[];
}

interface Columns {
  readonly count: number;
  readonly time: number;
  readonly serverId: number;
  /** Index of each metric's column in the order of METRICS, −1 where there is none. */
  readonly metrics: readonly number[];
}

/**
 * The rows of a file, in its order. A row that cannot be read comes out as malformed and the next
 * one goes on. Throws WindrowError `input` when the file cannot be read or lacks a column.
 */
export async function* readSeedACsv(
  path: string,
  options: CsvOptions,
): AsyncGenerator<CsvRow | MalformedRow> {
  for await (const rows of readRows(path, options)) yield* rows;
}

/**
 * The first of the two passes over a file: what must be known before its first row can be sent.
 * Throws WindrowError `input` as `readSeedACsv` does, and when there is no row, or none that can be
 * read: its hint names the first ones.
 */
export async function scanSeedACsv(path: string, options: CsvOptions): Promise<CsvScan> {
  const hash = createHash('sha256');
  const servers = new Set<string>();
  const named: string[] = [];
  let originMs = Infinity;
  let undatedOriginMs: number | undefined;
  let latestMs = -Infinity;
  let previousMs: number | undefined;
  let rows = 0;
  let groups = 0;
  let malformed = 0;
  for await (const batch of readRows(path, options, (bytes) => hash.update(bytes))) {
    for (const row of batch) {
      if ('malformed' in row) {
        malformed++;
        if (malformed <= namedMax) named.push(`line ${row.line} is left out: ${row.malformed}`);
        continue;
      }
      rows++;
      if (row.tsMs !== previousMs) groups++;
      previousMs = row.tsMs;
      originMs = Math.min(originMs, row.tsMs);
      if (row.isFromFirstDay) undatedOriginMs = Math.min(undatedOriginMs ?? Infinity, row.tsMs);
      latestMs = Math.max(latestMs, row.tsMs);
      servers.add(row.serverId);
    }
    if (servers.size > serversMax) {
      throw new WindrowError('input', `${path}: more than ${serversMax} servers in server_id`);
    }
  }
  if (rows === 0) throw noRow(path, named, malformed);
  const sha256 = hash.digest('hex');
  return {
    sha256,
    originMs,
    undatedOriginMs,
    latestMs,
    rows,
    groups,
    malformed,
    servers: [...servers],
  };
}

function noRow(path: string, named: readonly string[], malformed: number): WindrowError {
  if (malformed === 0) return new WindrowError('input', `${path} has no rows`);
  const more = malformed - named.length;
  const lines = more === 0 ? named : [...named, `and ${more} more`];
  const hint = lines.join('\n  ');
  return new WindrowError('input', `${path}: no row can be read`, { hint });
}

/** The rows that each piece of the file completes: one await a piece, not one a row. */
async function* readRows(
  path: string,
  options: CsvOptions,
  onBytes: (bytes: Uint8Array) => void = () => {},
): AsyncGenerator<(CsvRow | MalformedRow)[]> {
  const reader = new RowReader(path, options.firstDayMs);
  const framer = new CsvFramer();
  const decoder = new TextDecoder();
  for await (const bytes of chunksOf(path, options.signal)) {
    onBytes(bytes);
    yield reader.rows(framer.push(decoder.decode(bytes, { stream: true })));
  }
  yield reader.rows(framer.push(decoder.decode()));
  yield reader.rows(framer.end());
  reader.assertHeader();
}

async function* chunksOf(
  path: string,
  signal: AbortSignal | undefined,
): AsyncGenerator<Uint8Array> {
  try {
    yield* createReadStream(path, { signal });
  } catch (cause) {
    if (signal?.aborted) throw new WindrowError('aborted', `reading ${path} was stopped`);
    throw new WindrowError('input', `${path} cannot be read: ${fileTroubleOf(cause)}`, { cause });
  }
}

class RowReader {
  readonly #path: string;
  readonly #times: EventTimes;
  #columns: Columns | undefined;

  constructor(path: string, firstDayMs: number) {
    this.#path = path;
    this.#times = new EventTimes(firstDayMs);
  }

  rows(records: Iterable<CsvRecord>): (CsvRow | MalformedRow)[] {
    const rows: (CsvRow | MalformedRow)[] = [];
    for (const record of records) {
      if (this.#columns) rows.push(this.#row(record, this.#columns));
      else this.#columns = this.#header(record);
    }
    return rows;
  }

  assertHeader(): void {
    if (!this.#columns) throw new WindrowError('input', `${this.#path} is empty`);
  }

  #header(record: CsvRecord): Columns {
    if ('malformed' in record) {
      throw new WindrowError('input', `${this.#path}: the header ${record.malformed}`);
    }
    const names = record.fields.map((name) => name.trim());
    const separator = otherSeparator(names);
    if (separator !== undefined) {
      throw new WindrowError('input', `${this.#path} is separated by ${separator}`, {
        hint: 'Its fields have to be separated by commas, and its numbers to have decimal points.',
      });
    }
    const hint = `the header has to name ts or timestamp, server_id, cpu_pct and mem_pct`;
    const required = (...alternatives: string[]): number => {
      const found = alternatives.find((name) => names.includes(name));
      if (found !== undefined) return names.indexOf(found);
      const message = `${this.#path}: column ${alternatives.join(' or ')} is missing`;
      throw new WindrowError('input', message, { hint });
    };
    const columns = {
      count: names.length,
      time: required('ts', 'timestamp'),
      serverId: required('server_id'),
      metrics: METRICS.map((metric) =>
        metric === 'cpu_pct' || metric === 'mem_pct' ? required(metric) : names.indexOf(metric),
      ),
    };
    for (const index of [columns.time, columns.serverId, ...columns.metrics]) {
      const name = names[index];
      if (name === undefined || names.indexOf(name, index + 1) === -1) continue;
      throw new WindrowError('input', `${this.#path}: column ${name} is there twice`, { hint });
    }
    return columns;
  }

  #row(record: CsvRecord, columns: Columns): CsvRow | MalformedRow {
    if ('malformed' in record) return record;
    const { line, fields, text } = record;
    const malformed = (reason: string): MalformedRow => ({ line, malformed: reason, text });
    if (fields.length !== columns.count) {
      const separator = otherSeparator(fields);
      if (separator !== undefined) {
        return malformed(`is separated by ${separator}, the header by commas`);
      }
      // A line cut short could otherwise pass with a number cut short.
      return malformed(`has ${plural(fields.length, 'field')}, the header ${columns.count}`);
    }
    const cell = (index: number): string => fields[index]?.trim() ?? '';
    const tsMs = this.#times.read(cell(columns.time));
    if (tsMs === undefined) return malformed(`not a time: ${shown(cell(columns.time))}`);
    const server = serverId.safeParse(cell(columns.serverId));
    if (!server.success) return malformed('server_id is empty, too long or not visible text');
    const values: number[] = [];
    for (const [metric, index] of columns.metrics.entries()) {
      const value = numberOf(cell(index));
      if (value === undefined) {
        return malformed(`${METRICS[metric]} is no number: ${shown(cell(index))}`);
      }
      values.push(value);
    }
    const { isFromFirstDay } = this.#times;
    return { line, tsMs, isFromFirstDay, serverId: server.data, values };
  }
}

/** What separates the fields of a record that commas do not. */
function otherSeparator(fields: readonly string[]): string | undefined {
  const [only = '', ...others] = fields;
  if (others.length > 0) return undefined;
  if (only.includes(';')) return 'semicolons';
  return only.includes('\t') ? 'tabs' : undefined;
}

function shown(cell: string): string {
  return inert(cell.length > shownCharsMax ? `${cell.slice(0, shownCharsMax)}…` : cell);
}

/** NaN for an empty cell, undefined for what is no number or beyond any machine. */
function numberOf(cell: string): number | undefined {
  if (cell === '') return Number.NaN;
  if (!/^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i.test(cell)) return undefined;
  const value = Number(cell);
  return Math.abs(value) <= metricAbsMax ? value : undefined;
}
