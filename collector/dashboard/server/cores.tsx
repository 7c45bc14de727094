import type { JSX } from 'preact';
import { plural } from '../../../runtime/plural.ts';
import type { CpuModes, Sample } from '../../../wire/records/sample.ts';
import { levelOf } from '../fleet/cells.tsx';
import { ABSENT, percent } from '../lib/format.ts';
import { whyAbsent } from '../lib/sample-lines.ts';

/** A strip of bars, one for each core, that stays readable from one core to a thousand. */
export function Cores({ sample }: { readonly sample: Sample | null }): JSX.Element {
  const cores = sample?.cores ?? [];
  const busiest = busiestOf(cores);
  const summary =
    busiest === null
      ? ABSENT
      : `${plural(cores.length, 'core')}, busiest ${busiest.index}: ${percent(busiest.pct)}`;
  return (
    <section class="cores panel" aria-label="CPU cores">
      <h2>Cores</h2>
      <span class="muted" title={busiest === null ? whyAbsent(sample, 'cores') : undefined}>
        {summary}
      </span>
      <div
        class="strip"
        data-many={cores.length > 64}
        role="img"
        aria-label={summary}
        style={{ '--cores': String(cores.length) }}
      >
        {cores.map((core, index) => (
          // A core has no other identity than its place.
          <span
            key={index}
            title={coreText(core, index)}
            data-level={levelOf(core.pct)}
            style={{ '--pct': core.pct.toFixed(1) }}
          >
            <i />
          </span>
        ))}
      </div>
    </section>
  );
}

function busiestOf(cores: readonly CpuModes[]): { index: number; pct: number } | null {
  let busiest: { index: number; pct: number } | null = null;
  for (const [index, { pct }] of cores.entries()) {
    if (busiest === null || pct > busiest.pct) busiest = { index, pct };
  }
  return busiest;
}

function coreText({ pct, user, system, iowait, steal }: CpuModes, index: number): string {
  return [
    `core ${index}: ${percent(pct)}`,
    `user ${percent(user)}, system ${percent(system)}`,
    // Windows counts neither.
    ...(iowait === undefined || steal === undefined
      ? []
      : [`iowait ${percent(iowait)}, steal ${percent(steal)}`]),
  ].join('\n');
}
