/** What the server reads of a request's header fields, in one pass and without building an object of all. */
export interface RequestHeaders {
  hosts: number;
  host: string;
  acceptEncoding: string;
  ifNoneMatch: string;
  /** The request's X-Request-Id if there is one of a form that is safe to repeat, else empty. */
  requestId: string;
  /** The request announces a body, or a framing in which one could hide. */
  hasContent: boolean;
  /** The client would speak another protocol from here on. */
  hasUpgrade: boolean;
}

/** Reads node's flat list of names and values. A repeated list field is joined as RFC 9110 section 5.2 says. */
export function readHeaders(rawHeaders: readonly string[]): RequestHeaders {
  const headers: RequestHeaders = {
    hosts: 0,
    host: '',
    acceptEncoding: '',
    ifNoneMatch: '',
    requestId: '',
    hasContent: false,
    hasUpgrade: false,
  };
  for (let i = 0; i + 1 < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? '';
    // The length tells most names apart, which spares them the conversion to lower case.
    switch (name.length) {
      case 4:
        if (name.toLowerCase() === 'host') {
          headers.hosts++;
          headers.host = rawHeaders[i + 1] ?? '';
        }
        break;
      case 7:
        if (name.toLowerCase() === 'upgrade') headers.hasUpgrade = true;
        break;
      case 12:
        if (name.toLowerCase() === 'x-request-id') headers.requestId = safeId(rawHeaders[i + 1] ?? '');
        break;
      case 13:
        if (name.toLowerCase() === 'if-none-match')
          headers.ifNoneMatch = joined(headers.ifNoneMatch, rawHeaders[i + 1]);
        break;
      case 14:
        if (name.toLowerCase() === 'content-length' && rawHeaders[i + 1] !== '0') headers.hasContent = true;
        break;
      case 15:
        if (name.toLowerCase() === 'accept-encoding')
          headers.acceptEncoding = joined(headers.acceptEncoding, rawHeaders[i + 1]);
        break;
      case 17:
        if (name.toLowerCase() === 'transfer-encoding') headers.hasContent = true;
        break;
    }
  }
  return headers;
}

/** What could break a line, a header or a terminal, or is a text rather than an id, is no id at all. */
const safeId = (value: string): string => (/^[A-Za-z0-9._-]{1,64}$/.test(value) ? value : '');

function joined(list: string, more: string | undefined): string {
  return list === '' ? (more ?? '') : `${list}, ${more ?? ''}`;
}

const hostPattern = /^(?:[A-Za-z0-9._~-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$/;

/** Exactly one Host field that could be a host (RFC 9112 section 3.2); HTTP/1.0, as load balancers check with, may lack it. */
export function hasOneHost({ hosts, host }: RequestHeaders, httpVersion: string): boolean {
  if (hosts === 0) return httpVersion === '1.0';
  return hosts === 1 && hostPattern.test(host);
}
