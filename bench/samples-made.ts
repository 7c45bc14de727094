/** The samples of simulated servers that benchmarks send: four metrics, a wave each. */
import { WIRE_VERSION } from '../wire/version.ts';

/** Server's number and the sample's in its boot → the sample, one a second from `startMs` on. */
export function sampleMade(server: number, seq: number, startMs: number) {
  const wave = Math.sin(seq / 20 + server);
  return {
    v: WIRE_VERSION,
    server_id: serverName(server),
    ts: startMs + seq * 1_000,
    boot_id: bootName(server),
    seq,
    cpu_pct: Math.round((50 + 49 * wave) * 100) / 100,
    mem_pct: Math.round((60 + 30 * wave) * 100) / 100,
    net_in: Math.round(1e6 + 1e5 * wave),
    disk_io: Math.round(5e6 + 1e6 * wave),
  };
}

export function serverName(server: number): string {
  return `pc-${server}`;
}

export function bootName(server: number): string {
  return `boot-${server}`;
}
