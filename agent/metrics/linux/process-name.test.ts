import fc from '../../../runtime/testing/property.ts';
import { describe, expect, test } from 'vitest';
import { processName, processNameCharsMax } from './process-name.ts';

/** The name of a process with these arguments, each ended by NUL as the kernel gives them. */
function named(comm: string, ...words: string[]): string {
  return processName(comm, Buffer.from(words.map((word) => `${word}\0`).join('')));
}

describe('without a usable command line the name is comm', () => {
  test.each([
    ['nothing', ''],
    ['only NULs', '\0\0\0\0'],
    ['an empty first argument', '\0secret\0'],
    ['4 KiB without NUL', 'x'.repeat(4096)],
    ['4 KiB of slashes', '/'.repeat(4096)],
    ['another name', '/usr/bin/other\0'],
  ])('%s', (_, cmdline) => {
    expect(processName('kworker/0:1-ev', Buffer.from(cmdline))).toBe('kworker/0:1-ev');
  });

  test('half an argument at the end of what was read is none', () => {
    expect(processName('node', Buffer.from('node\0/srv/secret-and-mo'))).toBe('node');
  });
});

describe('the first argument', () => {
  test.each([
    ['systemd-journal', 'systemd-journald', '/usr/lib/systemd/systemd-journald'],
    ['NetworkManager', 'NetworkManager', '/usr/sbin/NetworkManager', '--no-daemon'],
    ['My Application ', 'My Application Server', '/opt/My Application Server'],
    // The kernel cuts bytes: here in the middle of a letter.
    ['überwachungsdi\uFFFD', 'überwachungsdiénst', '/opt/überwachungsdiénst'],
    ['redis-server', 'redis-server', '/usr/bin/redis-server 127.0.0.1:6379'],
    ['chrome', 'chrome', '/opt/google/chrome/chrome --type=renderer --dir=/home/secret'],
    ['slack', 'slack', '/usr/lib/slack/slack secret'],
    ['npm run --token', 'npm run --token', 'npm run --token=secret'],
    ['npm exec vitest', 'npm exec vitest', 'npm exec vitest run secret'],
    ['mysql', 'mysql', 'mysql', '-psecret'],
    ['curl', 'curl', 'curl', '-u', 'user:secret', 'https://user:secret@host/'],
    ['bash', 'bash', '-bash'],
  ])('%j is %j', (comm, name, ...words) => {
    expect(named(comm, ...words)).toBe(name);
  });

  test.each([
    ['postgres', 'postgres: checkpointer', 'postgres: checkpointer '],
    ['postgres', 'postgres: 12/main: walwriter', 'postgres: 12/main: walwriter'],
    ['postgres', 'postgres: app shop 10.0.0.5(4123)', 'postgres: app shop 10.0.0.5(4123) SELECT'],
    ['postgres', 'postgres: app shop [local]', 'postgres: app shop [local] idle'],
    ['nginx', 'nginx: worker process', 'nginx: worker process'],
    ['nginx', 'nginx: master process', 'nginx: master process /usr/sbin/nginx -g env K=secret;'],
    ['sshd', 'sshd', 'sshd: /usr/sbin/sshd -D [listener] 0 of 10-100 startups'],
    ['worker', 'worker: job', 'worker: job password=secret'],
    ['two', 'two: lines', 'two: lines\nsecret'],
  ])('a title of %s is %j', (comm, name, title) => {
    expect(named(comm, title)).toBe(name);
  });
});

describe('an interpreter is named with its script', () => {
  test.each([
    ['node server.js', 'MainThread', '/usr/bin/node', '/srv/app/server.js', '--token', 'secret'],
    ['node server.js', 'node-MainThread', 'node', 'server.js'],
    ['node server.mjs', 'node', 'node', '--max-old-space-size=99', 'server.mjs', 'secret.js'],
    ['node app.js', 'MainThread', 'node', '-r', './secret.js', '--import', 'x.js', 'app.js'],
    ['node vitest', 'MainThread', 'node', '/srv/node_modules/.bin/vitest'],
    ['node app', 'MainThread', 'node', '--enable-source-maps', '/srv/app'],
    ['bun index.ts', 'bun', 'bun', 'run', 'index.ts'],
    ['deno main.ts', 'deno', 'deno', 'run', '-A', '--allow-net=secret', 'main.ts'],
    ['python3 app.py', 'python3', '/usr/bin/python3', '-u', '-W', 'ignore', 'app.py', 'secret'],
    ['python3 -m http.server', 'python3', 'python3', '-um', 'http.server', '8000'],
    ['python3.12 -m venv', 'python3', 'python3.12', '-mvenv'],
    ['ruby job.rb', 'ruby', 'ruby', '-Ilib', '-rbundler/setup', 'job.rb'],
    ['perl a.pl', 'perl', 'perl', '-w', '-I', '/secret/lib', 'a.pl'],
    ['php index.php', 'php', 'php', '-S', '0.0.0.0:80', '-d', 'a=secret', 'index.php'],
    ['php worker.php', 'php', 'php', '-f', 'worker.php'],
    ['java app.jar', 'java', '/usr/bin/java', '-Xmx1g', '-Dkey=secret', '-jar', '/o/app.jar', 's'],
    ['java kafka.Kafka', 'java', 'java', '-cp', '/secret/a:/b', 'kafka.Kafka', 'secret.properties'],
    ['java -m shop/org.shop.Main', 'java', 'java', '-p', '/mods', '-m', 'shop/org.shop.Main'],
    ['dotnet Shop.dll', 'dotnet', 'dotnet', 'exec', '/srv/Shop.dll', '--key', 'secret'],
    ['bash run.sh', 'bash', 'bash', '-euo', 'pipefail', '/opt/run.sh', 'secret'],
    ['sh backup', 'sh', '/bin/sh', '-e', '/etc/cron.daily/backup'],
    ['lua5.4 x.lua', 'lua5.4', 'lua5.4', 'x.lua'],
  ])('%s', (name, comm, ...words) => {
    expect(named(comm, ...words)).toBe(name);
  });
});

describe('what is not surely a script is not shown', () => {
  const commandLines: [string, ...string[]][] = [
    ['node', '-e', 'secret'],
    ['node', '-pe', 'secret.js'],
    ['node', '--eval=secret.js'],
    ['node', '--input-type', 'module', '-e', '/secret.js'],
    ['node', '--unknown', '/run/secret'],
    ['node', '--test', 'secret'],
    ['node', 'token=/secret.js'],
    ['node', '/srv/a b secret.js'],
    ['node', '-'],
    ['node', '--'],
    ['node'],
    ['bun', '-e', 'secret.ts'],
    ['bun', 'x', 'secret', '/a.js'],
    ['deno', 'eval', '/secret/.x()'],
    ['deno', 'run', 'https://user:secret@host/mod.ts'],
    ['python3', '-c', 'secret.py'],
    ['python3', '-Ic', '/secret'],
    ['python3', '-csecret'],
    ['python3', '-m', 'secret value'],
    ['perl', '-lane', '/secret/'],
    ['perl', '-E', 'secret.pl'],
    ['ruby', '-ne', '/secret/'],
    ['php', '-r', '/secret.php'],
    ['php', 'secret'],
    ['bash', '-c', '/opt/secret.sh'],
    ['bash', '-lxc', '/opt/secret.sh'],
    ['bash', '/dev/fd/63', 'secret.sh'],
    ['bash', '-s', '/opt/secret.sh'],
    ['java', '-Dpassword=secret'],
    ['java', '@secret.args', 'secret.Main'],
    ['java', '--unknown', 'secret.Main'],
    ['dotnet', 'run', '--project', '/secret'],
  ];
  test.each(commandLines.map((words) => ({ line: words.join(' '), words })))(
    '$line',
    ({ words }) => {
      const [program, ...others] = words;
      expect(named(program, program, ...others)).toBe(program);
    },
  );

  test('a main thread whose program is no interpreter has the name of its program', () => {
    expect(named('MainThread', '/opt/shop/shopd', 'secret')).toBe('shopd');
    expect(named('MainThread', '/usr/bin/node', '-e', 'secret')).toBe('node');
    expect(named('MainThread')).toBe('MainThread');
  });
});

describe('a script run by its first line', () => {
  test.each([
    ['a-very-long-nam', 'a-very-long-name.py', '/usr/bin/python3', '/opt/a-very-long-name.py'],
    ['a-very-long-nam', 'a-very-long-name', '/usr/bin/perl', '-w', '/opt/a-very-long-name'],
    ['a-very-long-nam', 'a-very-long-nam', '/bin/sh', '/a', '/b', 'a-very-long-name-secret'],
    ['a-very-long-nam', 'a-very-long-nam', '/bin/sh', 'a-very-long-name=secret'],
    ['gunicorn', 'gunicorn', '/srv/venv/bin/python', '/srv/venv/bin/gunicorn', 'shop:app'],
    ['deploy', 'deploy', '/bin/sh', 'deploy-secret'],
    ['worker', 'worker', 'python3', '/opt/other.py'],
  ])('%s is %s', (comm, name, ...words) => {
    expect(named(comm, ...words)).toBe(name);
  });
});

describe('what is shown', () => {
  test.each([
    ['a\u0007b', 'a\uFFFDb'],
    ['a\nb\tc', 'a b c'],
    ['a\u202Eb', 'a\uFFFDb'],
    ['a\u001B[31m', 'a\uFFFD[31m'],
    ['', '?'],
    ['  ', '?'],
  ])('comm %j is %j', (comm, name) => {
    expect(named(comm)).toBe(name);
  });

  test('invalid UTF-8 is replaced', () => {
    expect(processName('a', Buffer.from('a\xFF\xC0b\0', 'latin1'))).toBe('a\uFFFD\uFFFDb');
  });

  test('long titles are cut between characters', () => {
    const name = named('t', `t: ${'😀'.repeat(200)}`);
    expect(name).toBe(`t: ${'😀'.repeat(processNameCharsMax - 4)}…`);
    expect(name.isWellFormed()).toBe(true);
  });

  test('any bytes give a short, visible line', () => {
    const comm = fc.oneof(fc.constantFrom('node', 'MainThread', 'sh', 'java', ''), fc.string());
    const program = fc.constantFrom('node', 'bash', 'python3', 'perl', 'java', 'x: ');
    fc.assert(
      fc.property(comm, program, fc.uint8Array({ maxLength: 200 }), (comm, program, bytes) => {
        const name = processName(comm, Buffer.concat([Buffer.from(`${program}\0`), bytes]));
        expect(Array.from(name).length).toBeLessThanOrEqual(processNameCharsMax);
        expect(name).toMatch(/\S/);
        expect(name).not.toMatch(/\p{C}|\n/u);
      }),
    );
  });

  test('a view into a larger buffer is read within its bounds', () => {
    const buffer = Buffer.from('xxnode\0a.js\0secret.js\0');
    expect(processName('node', new Uint8Array(buffer).subarray(2, 12))).toBe('node a.js');
  });
});
