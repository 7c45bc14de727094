import type { JSX } from 'preact';
import type { Theme } from './theme.ts';

/** Two rows of cut hay, as a windrow lies in a field. The same drawing is favicon.svg. */
export function Mark(): JSX.Element {
  return (
    <svg class="mark" viewBox="0 0 32 32" width="20" height="20" aria-hidden="true">
      <path d="M4 23c4-7 8-7 12-3s8 4 12-3" />
      <path d="M4 14c4-7 8-7 12-3s8 4 12-3" opacity="0.6" />
    </svg>
  );
}

const themePaths: Readonly<Record<Theme, string>> = {
  system: 'M8 2a6 6 0 1 0 0 12zm0 0a6 6 0 0 1 0 12',
  dark: 'M13.5 9.8A6 6 0 0 1 6.2 2.5a6 6 0 1 0 7.3 7.3z',
  light:
    'M8 5a3 3 0 1 0 0 6a3 3 0 1 0 0-6zM8 1v1.5M8 13.5V15M1 8h1.5M13.5 8H15M3 3l1 1M12 12l1 1M3 13l1-1M12 4l1-1',
};

export function ThemeIcon({ theme }: { readonly theme: Theme }): JSX.Element {
  return (
    <svg class="line-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      {theme === 'system' && <path class="solid" d="M8 2a6 6 0 1 0 0 12z" />}
      <path d={themePaths[theme]} />
    </svg>
  );
}

export function BellIcon(): JSX.Element {
  return (
    <svg class="line-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M3 11.5h10c-1-1-1.3-2-1.3-4.5a3.7 3.7 0 0 0-7.4 0c0 2.5-.3 3.5-1.3 4.5zM6.7 13.7h2.6" />
    </svg>
  );
}

export function BackIcon(): JSX.Element {
  return (
    <svg class="line-icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true">
      <path d="M10 3L5 8l5 5" />
    </svg>
  );
}
