/** Servers of the running test's own, on loopback, on ports that the system chooses. */
import http from 'node:http';
import type https from 'node:https';
import type { AddressInfo } from 'node:net';
import { onTestFinished } from 'vitest';

/** Lets the server listen until the test ends. */
export async function portOf(server: http.Server | https.Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/** @returns the address at which requests are answered so */
export async function answering(listener: http.RequestListener): Promise<string> {
  return `http://127.0.0.1:${await portOf(http.createServer(listener))}`;
}
