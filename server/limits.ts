/**
 * How large, how many and how long: every limit that a client can run into, with its reason. How many connections there
 * may be depends on the machine, so it is a setting, MAX_CONNECTIONS.
 */

/** Of a request's head. Browsers send 1 to 2 KB; what parses less can be made to hold less, for every connection. */
export const headMaxBytes = 8192;

/** Header fields of a request. Browsers send about 20, proxies add some; each is an allocation or two. */
export const fieldsMax = 64;

/** Of a request target. A hundred slugs of common length take half of it. */
export const targetMaxBytes = 4096;

/** For a head to arrive, from the connection or the answer before. A client on a bad line needs one or two seconds. */
export const headTimeoutMs = 5000;

/** For a whole request. Nobody waits for a body here; node:http wants it no shorter than the head's time. */
export const requestTimeoutMs = 10_000;

/** Between two looks at the connections, so a time-out may be late by this. node:http's own 30 s would make 5 s 35. */
export const timeoutCheckMs = 1000;

/** For the next request on a connection. Clients are told so, and a page's requests come within it. */
export const keepAliveTimeoutMs = 5000;

/** Beyond what clients are told, so that a request which is on its way by then finds the connection open. */
export const keepAliveBufferMs = 1000;

/** Without a byte in either direction, whatever the connection waits for: the last resort. */
export const idleTimeoutMs = 30_000;

/** For a client to take what was written to it. The largest pages have 100 KB; a bad line carries 5 KB a second. */
export const slowReaderTimeoutMs = 30_000;

/** For a client that was refused to read why and to close; then it is closed. */
export const lingerMs = 1000;

/**
 * Requests on a connection that may wait for the answer to another. node:http takes all that one read brings, more
 * than a thousand, and holds 3 KB for each until the client has taken what comes before it.
 */
export const pipelinedMax = 16;

/**
 * Connections that wait to be accepted; the kernel takes no more than its somaxconn. With node:http's own 511 many clients
 * that come at once, as after an outage, wait for a second attempt of their kernel.
 */
export const backlogMax = 4096;

/** Of MAX_CONNECTIONS: from here on every answer closes its connection, so that those who come find room. */
export const closeFromShare = 0.8;

/** Exports that a worker sends at once: each reads from Postgres two fifths of the time. */
export const exportsMax = 2;

/** Documents that an export begins with. */
export const exportFirstBatch = 2;

/** Documents of a batch. A batch is in memory from being read until its client has taken it: 0.4 MB. */
export const exportBatchMax = 32;

/** For a batch to be read, which decides how large it is. Whoever needs a core or a place meanwhile waits no longer for it. */
export const exportBatchMs = 2;

/** Of the time that a batch took, before the next one is read. */
export const exportRestShare = 1.5;

/** For Postgres, or a place in front of it, in the middle of an export; then it breaks off. Less than the time without a byte. */
export const exportPatienceMs = 20_000;

/** For others to go first, in the middle of an export that finds no room; then it waits for its turn as they do. */
export const exportYieldMs = 1000;

/** Between two tries. */
export const exportRetryMs = 250;
