/**
 * How V8 works in an agent that runs: in little memory, for a few milliseconds each second.
 *
 * In JavaScript, as launch.js is. The build sets the same before it makes a single file's cache of
 * compiled code, which V8 takes only under the flags with which it was made.
 */
import { setFlagsFromString } from 'node:v8';

export function lighten() {
  keepYoungSmall();
  // The optimizing compiler alone is 5 MB of memory, and costs more than it saves.
  setFlagsFromString('--no-opt');
  // Old objects are collected after 2 MB of new ones, not 8.
  setFlagsFromString('--optimize-for-size');
}

/** Starting up makes the space for new objects grow to eight times what the work then needs: 30 MB. */
export function keepYoungSmall() {
  setFlagsFromString('--semi-space-growth-factor=1');
}
