import { expect, it } from 'vitest';
import { refusalPage } from './refusal-page.ts';

it('what it is to say is text, whatever is in it', () => {
  const page = refusalPage('a <script>alert(1)</script> & `b`');
  expect(page).toContain('<p>a &#60;script&#62;alert(1)&#60;/script&#62; &#38; `b`</p>');
  expect(page).not.toContain('<script');
});
