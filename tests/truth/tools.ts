/** The tools that our numbers are held against, and the load that both of them see. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';

/** Runs a tool to its end. @returns what it wrote to stdout */
export async function output(command: string, args: readonly string[]): Promise<string> {
  const child = spawn(command, args, {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Words, points and times as this reads them, whatever the machine's language.
    env: { ...process.env, LC_ALL: 'C', S_TIME_FORMAT: 'ISO' },
  });
  let text = '';
  child.stdout.setEncoding('utf8').on('data', (part: string) => {
    text += part;
  });
  await once(child, 'close');
  if (child.exitCode !== 0) throw new Error(`${command} ended with ${child.exitCode}: ${text}`);
  return text;
}

/** What sysstat's `-o JSON` says of its one interval. */
export function statisticsOf(json: string): Readonly<Record<string, unknown>> {
  const { sysstat } = JSON.parse(json) as {
    sysstat: { hosts: { statistics: Record<string, unknown>[] }[] };
  };
  const statistics = sysstat.hosts[0]?.statistics[0];
  if (statistics === undefined) throw new Error(`no statistics in ${json}`);
  return statistics;
}

/** Of a table with a line of column names: the last row in which `column` holds `value`. */
export function rowOf(table: string, column: string, value: string): Record<string, number> {
  const rows = table.split('\n').map((line) => line.trim().split(/\s+/));
  const header = rows.find((row) => row.includes(column)) ?? [];
  const row = rows.findLast((cells) => cells[header.indexOf(column)] === value);
  if (row === undefined) throw new Error(`no row with ${column} ${value} in:\n${table}`);
  return Object.fromEntries(header.map((name, at) => [name, Number(row[at])]));
}

export interface Load extends AsyncDisposable {
  readonly pid: number;
  /** Resolves when it has done what it was to do and ended. */
  done(): Promise<void>;
}

/** A process that makes load: a script of Node with its arguments in `process.argv.slice(1)`. */
export async function startLoad(script: string, args: readonly string[] = []): Promise<Load> {
  const child: ChildProcess = spawn(process.execPath, ['-e', script, ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const exited = once(child, 'exit');
  await once(child, 'spawn');
  return {
    pid: child.pid ?? -1,
    async done() {
      await exited;
      if (child.exitCode !== 0) throw new Error(`the load ended with ${child.exitCode}`);
    },
    async [Symbol.asyncDispose]() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}
