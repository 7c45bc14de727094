/** Prints samples of the machine it runs on, in JSON: the first, and one a second later with processes. */
import { createSampler } from '../../../agent/metrics/sampler.ts';
import { pause } from '../../../runtime/lifecycle.ts';

const { signal } = new AbortController();
const sampler = createSampler({ topProcesses: 5 });
const first = sampler.sample();
await sampler.scanProcesses(signal);
await pause(1_000, signal);
await sampler.scanProcesses(signal);
const second = sampler.sample();
sampler.close();
process.stdout.write(JSON.stringify([first, second]));
