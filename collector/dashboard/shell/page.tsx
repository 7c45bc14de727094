import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { AlertsPage } from '../alerts/alerts-page.tsx';
import { ExplainPage } from '../alerts/explain-page.tsx';
import { FleetPage } from '../fleet/fleet-page.tsx';
import { ServerPage } from '../server/server-page.tsx';
import type { Model } from '../state/model.ts';
import { Footer } from './footer.tsx';
import { Header } from './header.tsx';
import { NoticeList, Problem } from './notices.tsx';
import { onSystemTheme, saveTheme, savedTheme, type Theme } from './theme.ts';
import { useFrame } from './use-frame.ts';

export function Page({ model }: { readonly model: Model }): JSX.Element {
  useFrame(model.frame);
  const { theme, setTheme, look } = useTheme();
  const title = titleOf(model);
  useEffect(() => {
    document.title = title;
  }, [title]);
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header model={model} theme={theme} onTheme={setTheme} />
      <Problem model={model} />
      <main id="main" tabIndex={-1}>
        <Shown model={model} look={look} />
      </main>
      <Footer version={model.fleet.version} />
      <NoticeList notices={model.notices} />
    </>
  );
}

interface ShownProps {
  readonly model: Model;
  readonly look: string;
}

function Shown({ model, look }: ShownProps): JSX.Element | null {
  const { view } = model.route;
  switch (view.page) {
    case 'fleet':
      return <FleetPage model={model} look={look} />;
    case 'server':
      return <ServerPage key={view.id} id={view.id} model={model} look={look} />;
    case 'alerts':
      return <AlertsPage key={view.server} model={model} />;
    case 'alert':
      return model.explained === null ? null : (
        <ExplainPage key={view.id} model={model} explained={model.explained} look={look} />
      );
  }
}

/** How many alerts fire comes first: a narrow tab cuts the end off. */
function titleOf({ route, fleet, alerts }: Model): string {
  const { view } = route;
  const firing = alerts.firing.length === 0 ? '' : `(${alerts.firing.length}) `;
  const server = view.page === 'server' ? fleet.servers.get(view.id)?.server_id : undefined;
  const place = view.page === 'alerts' || view.page === 'alert' ? 'Alerts' : server;
  return `${firing}${place === undefined ? '' : `${place} · `}windrow`;
}

/** The hash is the page's route, so the usual link to an anchor would leave the view. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.querySelector<HTMLElement>('#main')?.focus();
}

interface ThemeChoice {
  readonly theme: Theme;
  readonly setTheme: (theme: Theme) => void;
  /** Changes with every change of the colours: what draws on a canvas reads them anew. */
  readonly look: string;
}

function useTheme(): ThemeChoice {
  const [theme, setTheme] = useState(savedTheme);
  const [changes, setChanges] = useState(0);
  useEffect(() => onSystemTheme(() => setChanges((count) => count + 1)), []);
  const choose = (next: Theme): void => {
    saveTheme(next);
    setTheme(next);
  };
  return { theme, setTheme: choose, look: `${theme} ${changes}` };
}
