import { createServer } from 'node:net';

/** Resolves the port once it could be listened on, port 0 a free one. Rejects with Node's error otherwise. */
export async function tryPort(host: string, port: number): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port, exclusive: true }, resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : port;
}

/** A port of 127.0.0.1 that nobody listens on now; the system hands it out, so never a well-known one. */
export const freePort = () => tryPort('127.0.0.1', 0);
