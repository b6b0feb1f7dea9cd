import { readFileSync } from 'node:fs';

/** The contract as an OpenAPI 3.1 document, as it is served: JSON without white space, one character a byte. */
export const openapiDocument = Buffer.from(
  JSON.stringify(JSON.parse(readFileSync(new URL('./openapi.json', import.meta.url), 'utf8'))),
).toString('latin1');
