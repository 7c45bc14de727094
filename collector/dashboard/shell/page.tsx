import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
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
  const { server } = model.route;
  const name = model.fleet.servers.get(server ?? -1)?.server_id;
  useEffect(() => {
    document.title = name === undefined ? 'windrow' : `${name} · windrow`;
  }, [name]);
  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        Skip to content
      </a>
      <Header model={model} theme={theme} onTheme={setTheme} />
      <Problem model={model} />
      <main id="main" tabIndex={-1}>
        {server === null ? (
          <FleetPage model={model} look={look} />
        ) : (
          <ServerPage key={server} model={model} look={look} />
        )}
      </main>
      <Footer version={model.fleet.version} />
      <NoticeList notices={model.notices} />
    </>
  );
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
