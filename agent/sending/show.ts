/** What a person or a program sees of a sending: a line on a terminal, lines of JSON elsewhere. */
import type { SendEvent } from '../../blocks/sending/events.ts';
import type { Amount, Progress } from '../../blocks/sending/progress.ts';
import { plural } from '../../runtime/plural.ts';
import { inert } from '../../wire/records/fields.ts';
import { speedFacts, type Speeds, speedsText } from './speeds.ts';

/** What one sending came to. */
export interface Summary {
  readonly progress: Progress;
  readonly nowMs: number;
  readonly readBytes: number;
  readonly speeds: Speeds;
}

export interface Show {
  /** How often `progress` is to be called. */
  readonly everyMs: number;
  /** Before the sending: what was found so far. */
  counting(found: Readonly<Amount>): void;
  /** All was found: nothing is shown of the counting any more. */
  counted(): void;
  event(event: SendEvent): void;
  progress(progress: Progress, nowMs: number): void;
  summary(summary: Summary): void;
}

const columnsDefault = 80;
/** Of these there are as many as blocks, or more: no line of JSON. */
const uncountable: ReadonlySet<SendEvent['kind']> = new Set([
  'chunk',
  'acknowledged',
  'begun',
  'later',
]);

type Write = (text: string) => void;

export function createShow(stdout: NodeJS.WriteStream): Show {
  const write: Write = (text) => void stdout.write(text);
  if (!stdout.isTTY) return new JsonShow(write);
  // Some terminals tell a width of 0.
  return new TerminalShow(write, () => stdout.columns || columnsDefault);
}

export class JsonShow implements Show {
  readonly everyMs = 5_000;
  readonly #write: Write;

  constructor(write: Write) {
    this.#write = write;
  }

  event(event: SendEvent): void {
    const { kind } = event;
    if (uncountable.has(kind)) return;
    const { transfer, ...facts } = { transfer: undefined, ...event };
    const { kind: name, ...rest } = facts;
    const file = transfer === undefined ? {} : { path: transfer.file.path };
    this.#line({ event: name.replace('-', '_'), ...file, ...rest });
  }

  counting({ files, bytes }: Readonly<Amount>): void {
    this.#line({ event: 'counting', files, bytes });
  }

  counted(): void {}

  progress(progress: Progress, nowMs: number): void {
    const left = progress.secondsLeft(nowMs);
    this.#line({
      event: 'progress',
      ...figures(progress),
      mb_per_s: rounded(progress.bytesPerSecond(nowMs) / 1e6),
      ...(left === undefined ? {} : { seconds_left: Math.ceil(left) }),
    });
  }

  summary({ progress, nowMs, readBytes, speeds }: Summary): void {
    const seconds = progress.seconds(nowMs);
    this.#line({
      event: 'summary',
      ...figures(progress),
      seconds: rounded(seconds),
      mb_per_s: rounded(progress.rawBytes / 1e6 / seconds),
      read_bytes: readBytes,
      ...speedFacts(speeds),
    });
  }

  #line(facts: object): void {
    this.#write(`${JSON.stringify(facts)}\n`);
  }
}

function figures({ done, total, failures, resends, payloadBytes, ratio }: Progress): object {
  return {
    files: done.files,
    files_total: total.files,
    blocks: done.blocks,
    blocks_total: total.blocks,
    bytes: done.bytes,
    bytes_total: total.bytes,
    sent_bytes: payloadBytes,
    ratio: rounded(ratio),
    failures,
    resends,
  };
}

export class TerminalShow implements Show {
  readonly everyMs = 200;
  readonly #write: Write;
  readonly #columns: () => number;
  /** Whether the cursor is in the line of the progress. */
  #hasLine = false;

  constructor(write: Write, columns: () => number) {
    this.#write = write;
    this.#columns = columns;
  }

  event(event: SendEvent): void {
    const text = told(event);
    if (text === undefined) return;
    this.#clear();
    this.#write(`${text}\n`);
  }

  counting({ files, bytes }: Readonly<Amount>): void {
    this.#showLine(`looking for files: ${files} found, ${sizeText(bytes)}`);
  }

  counted(): void {
    this.#clear();
  }

  progress(progress: Progress, nowMs: number): void {
    this.#showLine(progressLine(progress, nowMs));
  }

  summary({ progress, nowMs, readBytes, speeds }: Summary): void {
    this.#clear();
    const { done, payloadBytes, rawBytes, ratio } = progress;
    const seconds = progress.seconds(nowMs);
    this.#write(
      `${plural(done.files, 'file')}, ${plural(done.blocks, 'block')}, ${sizeText(done.bytes)} are there; ` +
        `sent ${sizeText(payloadBytes)} (ratio ${ratio.toFixed(2)}) in ${seconds.toFixed(1)} s, ` +
        `${(rawBytes / 1e6 / seconds).toFixed(0)} MB/s\n`,
    );
    if (readBytes > 0) this.#write(`${speedsText(speeds)}\n`);
  }

  #showLine(line: string): void {
    this.#clear();
    // A line that is wrapped could not be taken back.
    this.#write(line.slice(0, Math.max(1, this.#columns() - 1)));
    this.#hasLine = true;
  }

  #clear(): void {
    if (this.#hasLine) this.#write('\r\u001B[K');
    this.#hasLine = false;
  }
}

function told(event: SendEvent): string | undefined {
  switch (event.kind) {
    case 'failed':
    case 'left-out':
      return `${inert(event.path)}: ${event.kind === 'failed' ? '' : 'left out, '}${inert(event.reason)}`;
    case 'changed':
      return `${inert(event.transfer.file.path)}: changed meanwhile, is sent anew`;
    case 'again':
      return `${inert(event.transfer.file.path)}: block ${event.block} is sent again (${event.resend}): ${inert(event.reason)}`;
    case 'waiting':
      return `waiting: ${inert(event.reason)}${event.hint === undefined ? '' : `\n  ${event.hint}`}`;
    case 'going-on':
      return 'going on';
    default:
      return undefined;
  }
}

function progressLine(progress: Progress, nowMs: number): string {
  const { done, total } = progress;
  const share = total.bytes === 0 ? 1 : Math.min(1, done.bytes / total.bytes);
  const filled = Math.round(share * barChars);
  const left = progress.secondsLeft(nowMs);
  return [
    `${'█'.repeat(filled)}${'░'.repeat(barChars - filled)} ${Math.floor(share * 100)} %`,
    `${done.blocks}/${plural(total.blocks, 'block')}`,
    `${sizeText(done.bytes)}/${sizeText(total.bytes)}`,
    `${(progress.bytesPerSecond(nowMs) / 1e6).toFixed(0)} MB/s`,
    left === undefined ? '' : `${timeText(left)} left`,
    `ratio ${progress.ratio.toFixed(2)}`,
  ]
    .filter((part) => part !== '')
    .join('  ');
}

const barChars = 20;

export function sizeText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1_000 && unit < units.length - 1; unit += 1) value /= 1_000;
  return `${unit === 0 ? value : value.toFixed(1)} ${units[unit]}`;
}

function timeText(seconds: number): string {
  const whole = Math.ceil(seconds);
  const two = (value: number): string => String(value).padStart(2, '0');
  const minutes = `${two(Math.floor(whole / 60) % 60)}:${two(whole % 60)}`;
  return whole < 3_600 ? minutes : `${Math.floor(whole / 3_600)}:${minutes}`;
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100;
}
