import type { JSX } from 'preact';
import { severityCounts } from '../lib/alerts.ts';
import { clockTime } from '../lib/format.ts';
import { formatRoute, HOME, RANGES } from '../lib/route.ts';
import type { Model } from '../state/model.ts';
import { BellIcon, Mark, ThemeIcon } from './icons.tsx';
import { THEMES, type Theme } from './theme.ts';

interface HeaderProps {
  readonly model: Model;
  readonly theme: Theme;
  readonly onTheme: (theme: Theme) => void;
}

export function Header({ model, theme, onTheme }: HeaderProps): JSX.Element {
  return (
    <header class="top">
      <a class="brand" href={formatRoute({ ...model.route, view: HOME.view })} title="All servers">
        <Mark />
        <span>windrow</span>
      </a>
      <LiveIndicator model={model} />
      <span class="grow" />
      <AlertsLink model={model} />
      {hasRange(model) && <RangeButtons model={model} />}
      <ThemeButton theme={theme} onTheme={onTheme} />
    </header>
  );
}

/** `data-ts` is the event time of the newest sample on screen. */
function LiveIndicator({ model }: { readonly model: Model }): JSX.Element {
  const { connection } = model;
  const since = connection.state === 'reconnecting' ? clockTime(connection.sinceMs) : undefined;
  const text = {
    connecting: 'connecting…',
    live: 'live',
    reconnecting: `reconnecting… since ${since ?? ''}`,
  }[connection.state];
  return (
    <span
      id="live"
      class="live"
      role="status"
      data-state={connection.state}
      data-ts={model.newestTs}
      title={connection.state === 'live' ? 'Samples appear as they arrive' : undefined}
    >
      {text}
    </span>
  );
}

/** How many fire, coloured by the worst of them. */
function AlertsLink({ model }: { readonly model: Model }): JSX.Element {
  const { alerts, route } = model;
  const { firing } = alerts;
  const isHere = route.view.page === 'alerts' || route.view.page === 'alert';
  const counts = firing.length === 0 ? 'none firing' : `firing: ${severityCounts(firing)}`;
  return (
    <a
      class="bell"
      href={formatRoute({ ...route, view: { page: 'alerts', server: null } })}
      data-severity={firing[0]?.severity}
      aria-current={isHere ? 'page' : undefined}
      aria-label={alerts.loaded ? `Alerts, ${counts}` : 'Alerts'}
      title={alerts.loaded ? counts : undefined}
    >
      <BellIcon />
      <span class="word">Alerts</span>
      {firing.length > 0 && <b>{firing.length}</b>}
    </a>
  );
}

/** Alerts are shown whenever they were. */
function hasRange({ route }: Model): boolean {
  return route.view.page === 'fleet' || route.view.page === 'server';
}

function RangeButtons({ model }: { readonly model: Model }): JSX.Element {
  return (
    <div class="segments" role="group" aria-label="Time range">
      {RANGES.map((range) => (
        <button
          key={range}
          type="button"
          data-range={range}
          aria-pressed={model.route.range === range}
          onClick={() => model.go({ range })}
        >
          {range} min
        </button>
      ))}
    </div>
  );
}

const themeNames: Readonly<Record<Theme, string>> = {
  system: "the system's colours",
  dark: 'dark',
  light: 'light',
};

function ThemeButton({ theme, onTheme }: Omit<HeaderProps, 'model'>): JSX.Element {
  const next = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'system';
  const label = `Colours: ${themeNames[theme]}. Change to ${themeNames[next]}`;
  return (
    <button
      type="button"
      class="icon"
      aria-label={label}
      title={label}
      onClick={() => onTheme(next)}
    >
      <ThemeIcon theme={theme} />
    </button>
  );
}
