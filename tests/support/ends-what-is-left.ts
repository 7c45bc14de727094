/** Before each file of tests that start programs. */
import { afterAll } from 'vitest';
import { endAll } from './left-behind.ts';

afterAll(endAll);
