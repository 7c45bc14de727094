/** Runs a program of the operator's own for each notification; no shell is in between. */
import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { messageOf, WindrowError } from '../../../runtime/errors.ts';
import { pause } from '../../../runtime/lifecycle.ts';
import { PASSWORD_VARIABLE } from '../../../wire/transport/kafka/connection.ts';
import { type Addressing, webhookMessage, type WebhookMessage } from './payload.ts';
import type { Notification, Notifier } from './port.ts';
import type { CommandSettings } from './settings.ts';

/** Characters kept of what the program writes, the newest. */
const outputCharsMax = 4 * 1024;
/** Characters of it that an error or an answer repeats. */
const toldCharsMax = 300;
/** A pipe may stay open in a process that the program left behind; its output is waited for this long. */
const drainMsMax = 200;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

export class CommandNotifier implements Notifier {
  readonly #settings: CommandSettings;
  readonly #addressing: Addressing;

  constructor(settings: CommandSettings, addressing: Addressing) {
    this.#settings = settings;
    this.#addressing = addressing;
  }

  /** JSON of the webhook's shape on stdin; taken when the program ends with 0. */
  async send(notification: Notification, signal: AbortSignal): Promise<string> {
    const message = webhookMessage(notification, this.#addressing);
    const child = this.#spawn(notification, message.status);
    const output = keepOutput(child);
    const timeout = AbortSignal.timeout(this.#settings.timeout);
    const ended = AbortSignal.any([signal, timeout]);
    const onEnd = (): void => killGroup(child);
    ended.addEventListener('abort', onEnd, { once: true });
    if (ended.aborted) onEnd();
    try {
      await run(child, message);
    } catch (error) {
      throw failure(`the command cannot run: ${messageOf(error)}`, error);
    } finally {
      ended.removeEventListener('abort', onEnd);
    }
    if (signal.aborted) throw new WindrowError('aborted', 'the command was stopped');
    if (timeout.aborted) {
      throw failure(`the command did not end in ${this.#settings.timeout} ms${told(output())}`);
    }
    if (child.exitCode !== 0) {
      const how = child.signalCode ?? `exit code ${child.exitCode}`;
      throw failure(`the command failed: ${how}${told(output())}`);
    }
    return `exit code 0${told(output())}`;
  }

  #spawn({ key, notices }: Notification, status: string): Child {
    const [program = '', ...args] = this.#settings.command;
    const servers = notices.map(({ server }) => server);
    return spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      // A process group of its own: a time-out ends what the program has started, too.
      detached: process.platform !== 'win32',
      env: {
        ...environment(),
        WINDROW_ALERT_STATUS: status,
        WINDROW_ALERT_RULE: notices[0]?.rule ?? '',
        WINDROW_ALERT_SERVER: servers.join(','),
        WINDROW_ALERT_KEY: key,
      },
    });
  }
}

/** Ours without the secrets: a program that tells people has no business at the brokers. */
function environment(): NodeJS.ProcessEnv {
  const { [PASSWORD_VARIABLE]: _, ...rest } = process.env;
  return rest;
}

async function run(child: Child, message: WebhookMessage): Promise<void> {
  const drained = new AbortController();
  child.once('close', () => drained.abort());
  // A program need not read what it is told; a closed pipe is not its failure.
  child.stdin.on('error', () => {});
  child.stdin.end(`${JSON.stringify(message)}\n`);
  await once(child, 'exit');
  await pause(drainMsMax, drained.signal);
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
}

function keepOutput({ stdout, stderr }: Child): () => string {
  let kept = '';
  for (const stream of [stdout, stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      kept = (kept + text).slice(-outputCharsMax);
    });
  }
  return () => kept;
}

function killGroup({ pid, exitCode, signalCode }: Child): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
  } catch {
    // It has just ended by itself.
  }
}

function told(output: string): string {
  const line = output.replaceAll(/\s+/g, ' ').trim();
  return line === '' ? '' : `: ${line.slice(-toldCharsMax)}`;
}

/** Always worth another try: what keeps a program from working is mended outside of it. */
function failure(message: string, cause?: unknown): WindrowError {
  return new WindrowError('refused', message, { cause, retryable: true });
}
