/** Before files of tests whose programs are those of cut-programs.ts. */
import { inject } from 'vitest';

process.env['WINDROW_PROGRAMS'] = inject('cutPrograms');
