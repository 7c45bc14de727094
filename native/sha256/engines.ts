/** The engines by name. */
import type { EngineName, HashEngine } from './engine.ts';
import { hashWasm } from './hash-wasm.ts';
import { openssl } from './openssl.ts';
import { simd4 } from './simd4.ts';

export const ENGINES: Readonly<Record<EngineName, HashEngine>> = {
  openssl,
  'hash-wasm': hashWasm,
  simd4,
};
