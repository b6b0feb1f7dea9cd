/**
 * The monolith with one part of its pages broken, as `BREAK` says: `500` answers an error, `wrong-product` the part of another
 * product. All else goes to the server at `UPSTREAM` and back.
 */
import { createServer } from 'node:http';

const { PORT, UPSTREAM = '', BREAK } = process.env;
const brokenPart = /^\/api\/products\/(\d+)\/media$/;

const server = createServer(async (request, response) => {
  const [path = '', id] = brokenPart.exec(request.url ?? '') ?? [request.url];
  if (id !== undefined && BREAK === '500') return response.writeHead(500).end();
  // The first product is there in any catalogue.
  const other = id === '1' ? '2' : '1';
  const asked = id !== undefined && BREAK === 'wrong-product' ? `/api/products/${other}/media` : path;
  try {
    const answer = await fetch(UPSTREAM + asked);
    const body = Buffer.from(await answer.arrayBuffer());
    const type = answer.headers.get('content-type') ?? 'application/octet-stream';
    return response
      .writeHead(answer.status, { 'Content-Type': type, 'Content-Length': body.length })
      .end(body);
  } catch {
    return response.writeHead(502).end();
  }
});
server.listen(Number(PORT), '127.0.0.1');
process.once('SIGTERM', () => server.close());
