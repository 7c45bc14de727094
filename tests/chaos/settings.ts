/** Small windows, so that a run of some seconds has many of them, and rules that its values cross. */
import type { EngineOptions } from '../../collector/windows/engine.ts';
import type { Lasting } from './schedule.ts';
import { METRICS } from '../../wire/metrics.ts';

export const windows: EngineOptions = {
  windowMs: 3_000,
  slideMs: 1_000,
  latenessMs: 1_000,
  paneRetentionMs: 25 * 60 * 60 * 1000,
  metricCount: METRICS.length,
};

export const collectorEnv: Readonly<Record<string, string>> = {
  WINDROW_WINDOWS_LENGTH: `${windows.windowMs / 1000}s`,
  WINDROW_WINDOWS_SLIDE: `${windows.slideMs / 1000}s`,
  WINDROW_WINDOWS_LATENESS: `${windows.latenessMs / 1000}s`,
  WINDROW_LOG: 'info',
};

export function alertsFile(receiverUrl: string, silence: Lasting | null): string {
  return `
rules:
  - name: busy
    about: The CPU is busy.
    when: cpu_pct.avg > 60
    clear: cpu_pct.avg < 40
    severity: warning
  - name: busy-for-long
    about: The CPU is busy for some time.
    when: cpu_pct.avg > 50
    for: 1s
    clear_for: 1s
    severity: critical
  - name: fleet-busy
    about: The whole fleet is busy.
    of: fleet
    when: cpu_pct.avg > 60
    severity: info
  - name: silent
    about: Nothing is heard.
    silent: 10s
    severity: critical
notifiers:
  hook: {type: webhook, url: '${receiverUrl}', timeout: 30s}
group_wait: 200ms
${silence === null ? '' : silences(silence)}
`;
}

function silences({ atMs, forMs }: Lasting): string {
  const fromMs = Date.now() + atMs;
  const [from, until] = [fromMs, fromMs + forMs].map((ms) => new Date(ms).toISOString());
  return `silences: [{about: a silence, rules: [busy], from: '${from}', until: '${until}'}]`;
}
