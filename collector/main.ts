#!/usr/bin/env node
/** The collector's verbs, nothing else. */
import { Command } from 'commander';
import { runVerbs, type Verbs } from '../runtime/cli.ts';
import { runToEnd } from '../runtime/run-to-end.ts';

const name = 'windrow-collector';
const program = new Command(name).description(
  'windrow collector: windows, history and a live page from the samples of agents',
);

const verbs: Verbs = {
  serve: async () => (await import('./commands/serve.ts')).serveCommand(),
  windows: async () => (await import('./commands/windows.ts')).windowsCommand(),
  export: async () => (await import('./commands/export.ts')).exportCommand(),
  alert: async () => (await import('./commands/alert.ts')).alertCommand(),
  notify: async () => (await import('./commands/notify.ts')).notifyCommand(),
  server: async () => (await import('./commands/server.ts')).serverCommand(),
  monitor: async () => (await import('./commands/monitor.ts')).monitorCommand(),
  token: async () => (await import('./commands/token.ts')).tokenCommand(),
  total: async () => (await import('./commands/total.ts')).totalCommand(),
  config: async () => (await import('./commands/config.ts')).configOfCollector(),
  service: async () => (await import('./commands/service.ts')).serviceOfCollector(),
  doctor: async () => (await import('./commands/doctor.ts')).doctorCommand(),
  version: async () => (await import('../runtime/version-command.ts')).versionCommand(name),
};
const argv = process.argv.slice(2);

if (process.platform === 'win32' && argv[0] === 'service' && argv[1] === 'run') {
  // For the service manager, which is told at once: before the verbs are there.
  void runToEnd(name, async () => (await import('./service/windows.ts')).serve(argv[2] ?? ''));
} else {
  void runVerbs(program, verbs, argv);
}
