/** One broker: a process on a folder of its own, that can be stopped, killed and started again. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { WindrowError } from '../../runtime/errors.ts';
import { aborted } from '../../runtime/lifecycle.ts';
import { untilKnown } from './answer.ts';
import { lastErrors } from './broker-log.ts';
import { brokerArguments, type Installation, isInPath } from './java.ts';
import type { NodePorts } from './properties.ts';

/** A start takes 2 s on an idle machine; this is for one that is busy with many. */
const readyMsMax = 120_000;
/** From SIGTERM to SIGKILL. */
const stopMsMax = 30_000;
/** Of what the JVM says on stderr, for a failure's message. */
const stderrCharsMax = 4_096;

export interface NodeOptions {
  readonly id: number;
  readonly ports: NodePorts;
  /** Holds `server.properties` and the broker's log. */
  readonly folder: string;
  /** False: it is removed when all has ended, and nobody is sent there. */
  readonly folderStays: boolean;
  readonly installation: Installation;
}

export class KafkaNode {
  readonly id: number;
  readonly ports: NodePorts;
  readonly #options: NodeOptions;
  #child: ChildProcess | undefined;
  #stderr = '';
  #asked = false;

  constructor(options: NodeOptions) {
    this.#options = options;
    this.id = options.id;
    this.ports = options.ports;
  }

  /** Undefined while it is down. */
  get pid(): number | undefined {
    return this.#isUp() ? this.#child?.pid : undefined;
  }

  get logPath(): string {
    return join(this.#options.folder, 'broker.log');
  }

  /**
   * Starts it, and waits until it answers and knows all of these nodes.
   * @throws WindrowError `unreachable` when it ends or does not answer in time; it is down then
   */
  async start(signal: AbortSignal, knows: readonly number[] = [this.id]): Promise<void> {
    if (this.#isUp()) throw new Error(`broker ${this.id} is up already`);
    const child = this.#spawn();
    const failed = new AbortController();
    const fail = (): void => failed.abort();
    once(child, 'close').then(fail, fail);
    const bound = AbortSignal.any([signal, failed.signal, AbortSignal.timeout(readyMsMax)]);
    try {
      await startedLine(child, bound);
      const missing = bound.aborted
        ? `it did not start within ${readyMsMax / 1000} s`
        : await untilKnown(this.ports.internal, knows, bound);
      if (missing === undefined) return;
      signal.throwIfAborted();
      const why = this.#isUp() ? missing : `it ${this.#howItEnded()}`;
      throw this.#failure(`Kafka broker ${this.id} does not run: ${why}`);
    } catch (error) {
      await this.kill();
      throw error;
    }
  }

  /** SIGTERM, and SIGKILL when it has not ended in time. */
  async stop(): Promise<void> {
    await this.#end('SIGTERM');
  }

  /** SIGKILL: what a power cut does to it. */
  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  /** Resolves when it has ended though nobody asked it to. @returns how, and what it said last */
  async endedByItself(): Promise<WindrowError> {
    const child = this.#child;
    if (child === undefined) throw new Error(`broker ${this.id} was never started`);
    // Not `exit`: what it said last is here by then.
    if (this.#isUp()) await once(child, 'close');
    // Asked to, it ends too, and that is no failure: whoever waits goes on waiting.
    if (this.#asked) return new Promise<never>(() => {});
    return this.#failure(`Kafka broker ${this.id} ${this.#howItEnded()}`);
  }

  #spawn(): ChildProcess {
    const { folder, installation } = this.#options;
    const properties = join(folder, 'server.properties');
    const java = ['java', ...brokerArguments(installation, properties, this.logPath)];
    const [program = '', ...args] = boundToUs(java);
    // In a group of its own: Ctrl-C reaches us alone, and we stop the brokers in order.
    const stdio = ['ignore', 'pipe', 'pipe'] as const;
    const child = spawn(program, args, { cwd: folder, detached: true, stdio: [...stdio] });
    child.on('error', (error) => {
      this.#stderr = error.message;
    });
    this.#stderr = '';
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-stderrCharsMax);
    });
    this.#asked = false;
    this.#child = child;
    return child;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === undefined || !this.#isUp()) return;
    this.#asked = true;
    const exit = once(child, 'exit');
    child.kill(signal);
    const timer = setTimeout(() => child.kill('SIGKILL'), stopMsMax);
    await exit;
    clearTimeout(timer);
  }

  #isUp(): boolean {
    const child = this.#child;
    return child?.pid !== undefined && child.exitCode === null && child.signalCode === null;
  }

  #howItEnded(): string {
    const child = this.#child;
    return `ended (${child?.signalCode ?? `exit code ${child?.exitCode}`})`;
  }

  #failure(message: string): WindrowError {
    // One that a signal ended had no time to say why: its errors are of something else.
    const errors = typeof this.#child?.signalCode === 'string' ? [] : lastErrors(this.logPath);
    const said = [this.#stderr.trim(), ...errors].filter((text) => text !== '');
    if (this.#options.folderStays) said.push(`Its log is ${this.logPath}`);
    const hint = said.join('\n  ');
    return new WindrowError('unreachable', message, hint === '' ? {} : { hint });
  }
}

/** On Linux the kernel ends the broker when we are killed: nobody else would. */
function boundToUs(command: readonly string[]): readonly string[] {
  const there = process.platform === 'linux' && isInPath('setpriv');
  return there ? ['setpriv', '--pdeathsig', 'KILL', '--', ...command] : command;
}

/** Waits for the line, or for the signal. */
async function startedLine(child: ChildProcess, signal: AbortSignal): Promise<void> {
  if (child.stdout === null) throw new Error('the broker has no output');
  const lines = createInterface({ input: child.stdout });
  const started = new Promise<void>((resolve) => {
    lines.on('line', (line) => {
      if (line.includes('Kafka Server started')) resolve();
    });
  });
  await Promise.race([started, aborted(signal)]);
}
