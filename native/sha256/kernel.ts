/** The WebAssembly of sha256x4.c, with the types of what it exports. */
import { ownPath, readOwn } from '../../runtime/program.ts';

/** An address in the kernel's memory, in bytes. */
interface Address {
  readonly value: number;
}

export interface Kernel {
  readonly memory: { readonly buffer: ArrayBuffer; grow(pages: number): number };
  /** Eight vectors of four 32-bit words: word i of lane l is number 4 i + l. */
  readonly lane_state: Address;
  /** For each lane `laneBufferBytes`. */
  readonly lane_input: Address;
  /** For each lane two blocks. */
  readonly lane_tail: Address;
  /** `blocks` blocks from each of four addresses; lanes without their bit in `active` stay as they are. */
  compress4(p0: number, p1: number, p2: number, p3: number, blocks: number, active: number): void;
  compress1(lane: number, address: number, blocks: number): void;
}

/** As much of it as is used here: Node's types leave WebAssembly to those of browsers. */
interface WebAssemblyApi {
  compile(bytes: Uint8Array): Promise<object>;
  instantiate(module: object): Promise<{ readonly exports: object }>;
}

const { WebAssembly } = globalThis as unknown as { readonly WebAssembly: WebAssemblyApi };
let compiled: Promise<object> | undefined;

/** A kernel with a memory of its own, which never grows; compiled once for each thread. */
export async function createKernel(): Promise<Kernel> {
  compiled ??= compile();
  const { exports } = await WebAssembly.instantiate(await compiled);
  return exports as Kernel;
}

async function compile(): Promise<object> {
  return WebAssembly.compile(readOwn(ownPath(new URL('../sha256x4.wasm', import.meta.url))));
}
