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

/**
 * A port of 127.0.0.1 that nobody listens on now: the preferred one, or else one that the system hands out, which
 * is never a well-known one.
 */
export const freePort = (preferred = 0) =>
  tryPort('127.0.0.1', preferred).catch(() => tryPort('127.0.0.1', 0));

/** A sentence for the reader when the port that this setting names cannot be listened on; else undefined. */
export async function portProblem(setting: string, host: string, port: number): Promise<string | undefined> {
  try {
    await tryPort(host, port);
    return undefined;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error;
    if (code === 'EADDRINUSE')
      return `Port ${port} of ${host} is in use: stop what uses it, or set ${setting} to another port.`;
    if (code === 'EACCES') return `Port ${port} is not for this user: set ${setting} to one from 1024 on.`;
    return `Port ${port} of ${host} cannot be listened on (${code}): set ${setting}, or its host, to another.`;
  }
}
