/**
 * The page's state and its only way in: the address says what to show, REST gives what was, the event
 * stream gives what is. Components read it in a frame and never change it.
 */
import type { Events } from '../../api/contract.ts';
import { formatRoute, parseRoute, type Range, type Route } from '../lib/route.ts';
import { ApiError, getFleet, getFleetSeries, getServer, getServerSeries } from './api.ts';
import { CollectorClock } from './clock.ts';
import { FleetState } from './fleet.ts';
import { Frame } from './frame.ts';
import { Live, type LiveEvent } from './live.ts';
import { MachineState } from './machine.ts';
import { Notices } from './notices.ts';

/** History is read again this often: late samples and maxima that left the range come right. */
const refreshMs = 60_000;
const retryMs = 2_000;
const tickMs = 1_000;
/** Rows that arrive while REST answers are kept for after it; a second brings a few hundred at most. */
const waitingRowsMax = 50_000;

export class Model {
  readonly frame = new Frame();
  readonly clock = new CollectorClock();
  readonly notices = new Notices(this.frame.request);
  route: Route = parseRoute(location.hash);
  fleet = new FleetState(this.route.range);
  machine: MachineState | null = null;
  /** Why the newest load failed, for people. */
  problem: string | null = null;
  readonly #live = new Live({
    onEvent: (event) => this.#onEvent(event),
    onFresh: () => this.#load(),
    onConnection: this.frame.request,
  });
  #loading: AbortController | undefined;
  #waiting: Events['samples'][number][] = [];
  #loadTimer: ReturnType<typeof setTimeout> | undefined;

  get connection(): Live['connection'] {
    return this.#live.connection;
  }

  start(): void {
    addEventListener('hashchange', () => this.#show(parseRoute(location.hash)));
    document.addEventListener('visibilitychange', this.frame.request);
    setInterval(() => this.#tick(), tickMs);
    this.#follow();
  }

  /** Changes the address. `replace` for what is no step that a person would want to go back to. */
  go(change: Partial<Route>, replace = false): void {
    const hash = formatRoute({ ...this.route, ...change });
    if (replace) history.replaceState(null, '', hash);
    else location.hash = hash;
    this.#show(parseRoute(hash));
  }

  #show(route: Route): void {
    const before = this.route;
    this.route = route;
    this.frame.request();
    if (route.server !== before.server) this.#follow();
    else if (route.range !== before.range) this.#load();
  }

  /** Opens the stream for what is shown; its first event of life loads the rest. */
  #follow(): void {
    const { server, range } = this.route;
    this.machine = server === null ? null : new MachineState(server, range);
    this.#live.open(server);
    this.#loadLater(retryMs);
  }

  #loadLater(ms: number): void {
    clearTimeout(this.#loadTimer);
    this.#loadTimer = setTimeout(() => this.#load(), ms);
  }

  #load(): void {
    clearTimeout(this.#loadTimer);
    this.#loading?.abort();
    const controller = new AbortController();
    this.#loading = controller;
    this.#read(controller.signal)
      .then(
        () => {
          this.problem = null;
          this.#loadLater(refreshMs);
        },
        (error: unknown) => {
          if (controller.signal.aborted) return;
          const passes = this.#onProblem(error);
          this.#loadLater(passes ? retryMs : refreshMs);
        },
      )
      .finally(() => {
        if (this.#loading === controller) this.#loading = undefined;
        this.frame.request();
      });
  }

  async #read(signal: AbortSignal): Promise<void> {
    const { server, range } = this.route;
    if (server === null) await this.#readFleet(range, signal);
    else await this.#readServer(server, range, signal);
    const waiting = this.#waiting.filter(([id, ts]) => this.#isNews(id, ts));
    this.#waiting = [];
    if (waiting.length > 0) this.fleet.addSamples(waiting, this.clock.now());
  }

  async #readView(signal: AbortSignal): Promise<void> {
    const view = await getFleet(signal);
    this.clock.set(view.now);
    this.fleet.loadView(view);
  }

  async #readFleet(range: Range, signal: AbortSignal): Promise<void> {
    const [series] = await Promise.all([getFleetSeries(range, signal), this.#readView(signal)]);
    this.fleet.loadSeries(series, range, this.clock.now());
  }

  async #readServer(id: number, range: Range, signal: AbortSignal): Promise<void> {
    const [view, series] = await Promise.all([
      getServer(id, signal),
      getServerSeries(id, range, signal),
      this.#readView(signal),
    ]);
    const before = this.machine;
    const machine = before?.range === range ? before : new MachineState(id, range);
    machine.load(view, series);
    this.machine = machine;
  }

  #isNews(id: number | null | undefined, ts: number | null | undefined): boolean {
    const server = typeof id === 'number' ? this.fleet.servers.get(id) : undefined;
    return server !== undefined && typeof ts === 'number' && ts > server.ts;
  }

  /** Answers whether it may pass by itself. */
  #onProblem(error: unknown): boolean {
    if (error instanceof ApiError && error.status === 404 && this.machine !== null) {
      this.machine.problem = 'The collector knows no such server.';
      return false;
    }
    this.problem = error instanceof ApiError ? error.message : 'The collector cannot be reached.';
    return true;
  }

  #onEvent(event: LiveEvent): void {
    switch (event.name) {
      case 'samples':
        this.#onSamples(event.body);
        break;
      case 'detail':
        this.machine?.addDetail(event.body);
        break;
      case 'server':
        this.fleet.setServer(event.body);
        break;
      case 'notice':
        this.notices.add(event.body.ts, event.body.text);
        break;
      case 'reset':
        this.#load();
        break;
    }
    this.frame.request();
  }

  #onSamples(rows: Events['samples']): void {
    if (this.#loading !== undefined && this.#waiting.length < waitingRowsMax) {
      this.#waiting.push(...rows);
    }
    if (!this.fleet.addSamples(rows, this.clock.now()) && this.#loading === undefined) {
      this.#loadLater(tickMs);
    }
  }

  /** The newest sample that the shown view holds. */
  get newestTs(): number {
    return this.machine?.sample?.ts ?? this.fleet.newestTs;
  }

  #tick(): void {
    const now = this.clock.now();
    this.fleet.tick(now);
    this.machine?.tick(now);
    this.frame.request();
  }
}
