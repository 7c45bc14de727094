#!/usr/bin/env node
/** The agent's verbs, nothing else. */
import { Command } from 'commander';
import { runVerbs } from '../runtime/cli.ts';

const name = 'windrow-agent';
const program = new Command(name).description(
  'windrow agent: samples this machine and sends what it measures to a collector',
);

void runVerbs(
  program,
  {
    run: async () => (await import('./commands/run.ts')).runCommand(),
    replay: async () => (await import('./commands/replay.ts')).replayCommand(),
    send: async () => (await import('./commands/send.ts')).sendCommand(),
    receive: async () => (await import('./commands/receive.ts')).receiveCommand(),
    generate: async () => (await import('./commands/generate.ts')).generateCommand(),
    outbox: async () => (await import('./commands/outbox.ts')).outboxCommand(),
    hash: async () => (await import('./commands/hash.ts')).hashCommand(),
    bench: async () => (await import('./commands/bench.ts')).benchCommand(),
    config: async () => (await import('./commands/config.ts')).configOfAgent(),
    service: async () => (await import('./commands/service.ts')).serviceOfAgent(),
    doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
    version: async () => (await import('../runtime/version-command.ts')).versionCommand(name),
  },
  process.argv.slice(2),
);
