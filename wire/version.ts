/**
 * The version of the wire: the `v` of every record that windrow writes.
 *
 * Fields are append-only inside a version: a reader ignores what it does not know, and a field
 * never changes its meaning. `schema-pin.test.ts` holds a hash of the schemas against this number.
 */
export const WIRE_VERSION = 1;
