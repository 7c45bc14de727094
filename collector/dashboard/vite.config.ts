import { defineConfig } from 'vite';

// JSX needs no plugin: the bundler reads `jsx` and `jsxImportSource` from tsconfig.json.
export default defineConfig({
  root: import.meta.dirname,
  // Relative, so that the page also works behind a proxy that gives it a path of its own.
  base: './',
  build: {
    outDir: '../../dist/dashboard',
    emptyOutDir: true,
    // The page's policy takes no inline script and no data: URL but for images.
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
    license: { fileName: 'licenses.txt' },
  },
  server: {
    proxy: Object.fromEntries(['/api', '/metrics'].map((path) => [path, 'http://127.0.0.1:7861'])),
  },
});
