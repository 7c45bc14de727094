/** Dark or light: the system's choice unless the viewer made one, which is remembered. */
export const THEMES = ['system', 'dark', 'light'] as const;
export type Theme = (typeof THEMES)[number];

const storageKey = 'windrow-theme';

export function savedTheme(): Theme {
  try {
    const saved = localStorage.getItem(storageKey);
    return THEMES.find((theme) => theme === saved) ?? 'system';
  } catch {
    // Storage may be forbidden; then a choice lasts as long as the page.
    return 'system';
  }
}

export function applyTheme(theme: Theme): void {
  if (theme === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme;
}

export function saveTheme(theme: Theme): void {
  applyTheme(theme);
  try {
    if (theme === 'system') localStorage.removeItem(storageKey);
    else localStorage.setItem(storageKey, theme);
  } catch {
    // See savedTheme.
  }
}

/** Calls back when the system changes between dark and light; returns what ends that. */
export function onSystemTheme(changed: () => void): () => void {
  const query = matchMedia('(prefers-color-scheme: dark)');
  query.addEventListener('change', changed);
  return () => query.removeEventListener('change', changed);
}
