import type { JSX } from 'preact';

export function Footer({ version }: { readonly version: string }): JSX.Element {
  return (
    <footer class="foot">
      <span>windrow {version}</span>
      <a href="metrics">/metrics</a>
      <a href="licenses.txt">licenses</a>
      <span class="grow" />
      <span>times are this computer's, {Intl.DateTimeFormat().resolvedOptions().timeZone}</span>
    </footer>
  );
}
