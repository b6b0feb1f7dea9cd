/**
 * A TCP proxy in front of a real Redis or Postgres that shows what goes over the wire and can break it: hold bytes
 * back, for ever if need be, or cut and refuse connections. For tests, and for what looks for faults by making some.
 */
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/** What one client sent and was sent, one character per byte. */
export interface Conversation {
  readonly sent: string;
  readonly received: string;
  /** Answers that the client waited for: how often bytes came back after it had sent some. */
  readonly roundTrips: number;
  /** True from what the client sends until anything comes back. */
  readonly awaitsAnswer: boolean;
}

export interface FaultProxy {
  readonly port: number;
  /** One per connection since the start, those that are closed included; none when they are not kept. */
  readonly conversations: readonly Conversation[];
  readonly openConnections: number;
  /**
   * From now on keeps the pieces that match, and everything after them in their direction of their connection,
   * from arriving. Without an argument all pieces match, both ways: a black hole.
   */
  hold(matches?: (piece: string, from: 'client' | 'server') => boolean): void;
  /** Lets everything through that was held, in order. */
  release(): void;
  /** Resets the connections there are, and each new one until `mend`. */
  cut(): void;
  mend(): void;
  close(): Promise<void>;
}

/**
 * `target` is where the real service listens. The proxy listens on a free port of 127.0.0.1. A long run does without
 * `keepsConversations`, as they stay in memory.
 */
export async function startFaultProxy(
  target: { host: string; port: number },
  { keepsConversations = true }: { keepsConversations?: boolean } = {},
): Promise<FaultProxy> {
  const conversations: { sent: string; received: string; roundTrips: number; awaitsAnswer: boolean }[] = [];
  const pairs = new Set<readonly [Socket, Socket]>();
  const heldPieces: (() => void)[] = [];
  let holds: ((piece: string, from: 'client' | 'server') => boolean) | undefined;
  let isCut = false;

  // Or small pieces would wait for acknowledgements of those before, as on no connection without a proxy.
  const noDelay = true;
  const server = createServer({ noDelay }, (client) => {
    client.on('error', ignore);
    if (isCut) return void client.resetAndDestroy();
    const upstream = connect({ ...target, noDelay });
    upstream.on('error', ignore);
    const pair = [client, upstream] as const;
    pairs.add(pair);
    const conversation = { sent: '', received: '', roundTrips: 0, awaitsAnswer: false };
    if (keepsConversations) conversations.push(conversation);

    const relay = (
      from: 'client' | 'server',
      source: Socket,
      destination: Socket,
      note: (piece: string) => void,
    ) => {
      let isHeld = false;
      const pass = (piece: string, deliver: () => void) => {
        isHeld ||= holds?.(piece, from) ?? false;
        if (!isHeld) return deliver();
        heldPieces.push(() => {
          isHeld = false;
          deliver();
        });
      };
      source.on('data', (bytes) => {
        const piece = keepsConversations || holds ? bytes.toString('latin1') : '';
        if (keepsConversations) note(piece);
        pass(piece, () => destination.write(bytes));
      });
      source.on('end', () => pass('', () => destination.end()));
      source.on('close', (hadError) => {
        pairs.delete(pair);
        if (hadError) destination.destroy();
      });
    };
    relay('client', client, upstream, (piece) => {
      conversation.sent += piece;
      conversation.awaitsAnswer = true;
    });
    relay('server', upstream, client, (piece) => {
      conversation.received += piece;
      if (conversation.awaitsAnswer) conversation.roundTrips++;
      conversation.awaitsAnswer = false;
    });
  });
  server.listen({ host: '127.0.0.1', port: 0 });
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('The proxy has no port.');

  const reset = () => {
    for (const pair of pairs) for (const socket of pair) socket.resetAndDestroy();
  };
  return {
    port: address.port,
    conversations,
    get openConnections() {
      return pairs.size;
    },
    hold: (matches = () => true) => {
      holds = matches;
    },
    release() {
      holds = undefined;
      for (const deliver of heldPieces.splice(0)) deliver();
    },
    cut() {
      isCut = true;
      reset();
    },
    mend: () => {
      isCut = false;
    },
    async close() {
      reset();
      server.close();
      await once(server, 'close');
    },
  };
}

const ignore = () => {};

/** The names of the commands a Redis client sent, in lower case and in order. */
export const redisCommands = ({ sent }: Conversation): string[] =>
  [...sent.matchAll(/\*\d+\r\n\$\d+\r\n([A-Za-z]+)\r\n/g)].map(([, name = '']) => name.toLowerCase());

/** The types of the messages a Postgres client sent after its log-in, in order, such as B for Bind, E for Execute. */
export function postgresMessages({ sent }: Conversation): string[] {
  const bytes = Buffer.from(sent, 'latin1');
  const types: string[] = [];
  // The first message alone has no type.
  let at = bytes.length < 4 ? bytes.length : bytes.readInt32BE(0);
  while (at + 5 <= bytes.length) {
    const type = String.fromCharCode(bytes.readUInt8(at));
    if (type !== 'p') types.push(type);
    at += 1 + bytes.readInt32BE(at + 1);
  }
  return types;
}
