import { expect, it } from 'vitest';
import { layoutOf } from './layout.ts';

it.each([
  ['host.example.com', 'processed_data_host.example.com'],
  ['10.0.0.7', 'processed_data_10.0.0.7'],
  ['../etc', 'processed_data_.._etc'],
  ['C:\\x', 'processed_data_C__x'],
])('the folder of machine %s keeps its name, as far as it is safe: %s', (machine, folder) => {
  expect(layoutOf('/out', machine).blocksFolder).toBe(`/out/${folder}`);
});
