/** For tests: requests that are malformed or mean ill, byte by byte, with what becomes of each. */
import { fieldsMax, headMaxBytes, pipelinedMax, targetMaxBytes } from './limits.ts';

export interface HostileRequest {
  readonly name: string;
  /** All that the client sends; each character is a byte. */
  readonly bytes: string;
  /** Each answer's status, with the problem's code if it is one, in their order. */
  readonly answers: readonly string[];
  /** Whether the connection serves a next request afterwards. */
  readonly after: 'closed' | 'kept';
  /** Answers that are the page. */
  readonly pages?: number;
}

/** Path of the requests that are hidden in others. Nothing may ever look for this page. */
export const hiddenPath = '/v1/products/hidden';
const hidden = `GET ${hiddenPath} HTTP/1.1\r\nHost: a\r\n\r\n`;

const malformed = '400 malformed-request';
const target = '400 malformed-target';
const slug = '400 malformed-slug';
const content = '413 unexpected-content';
const method = '405 method-not-allowed';
const headers = '431 headers-too-large';

type Row = readonly [name: string, bytes: string];

const closedWith = (answer: string, rows: readonly Row[]): HostileRequest[] =>
  rows.map(([name, bytes]) => ({ name, bytes, answers: [answer], after: 'closed' }));
const keptWith = (answer: string, rows: readonly Row[]): HostileRequest[] =>
  rows.map(([name, bytes]) => ({ name, bytes, answers: [answer], after: 'kept' }));

const keptWithPage = (rows: readonly Row[]) => keptWith('200', rows).map((row) => ({ ...row, pages: 1 }));
const closedWithPage = (rows: readonly Row[]) => closedWith('200', rows).map((row) => ({ ...row, pages: 1 }));

/** `page` is the path of a page that there is. */
export function hostileRequests(page: string): HostileRequest[] {
  const get = (fields: string, path = page, version = '1.1') =>
    `GET ${path} HTTP/${version}\r\n${fields}\r\n\r\n`;
  const withField = (field: string) => get(`Host: a\r\n${field}`);
  const withBody = (field: string, body: string) => withField(field) + body;
  const ofPath = (path: string) => get('Host: a', path);
  const valid = ofPath(page);
  const chunked = `${hidden.length.toString(16)}\r\n${hidden}\r\n0\r\n\r\n`;

  return [
    // Where the body ends is told twice, or in a way that another server may read otherwise.
    ...closedWith(malformed, [
      [
        'a length and a coding',
        withBody('Content-Length: 5\r\nTransfer-Encoding: chunked', `0\r\n\r\n${hidden}`),
      ],
      [
        'a coding and a length',
        withBody('Transfer-Encoding: chunked\r\nContent-Length: 5', `0\r\n\r\n${hidden}`),
      ],
      ['two lengths', withBody(`Content-Length: 0\r\nContent-Length: ${hidden.length}`, hidden)],
      ['the same length twice', withBody('Content-Length: 0\r\nContent-Length: 0', hidden)],
      ['a list of lengths', withBody('Content-Length: 0, 0', hidden)],
      ['a length with a plus', withBody('Content-Length: +0', hidden)],
      ['a length below zero', withBody('Content-Length: -1', hidden)],
      ['a length in hexadecimal', withBody('Content-Length: 0x0', hidden)],
      ['a length with a space in it', withBody('Content-Length: 1 0', hidden)],
      ['an empty length', withBody('Content-Length: ', hidden)],
      ['a length of words', withBody('Content-Length: none', hidden)],
      ['a length beyond 64 bits', withBody('Content-Length: 18446744073709551617', hidden)],
      ['an empty coding', withBody('Transfer-Encoding:', hidden)],
      ['chunked before another coding', withBody('Transfer-Encoding: chunked, identity', chunked)],
      [
        'a coding in two fields',
        withBody('Transfer-Encoding: chunked\r\nTransfer-Encoding: identity', chunked),
      ],
      ['a coding with a control character', withBody('Transfer-Encoding: \x0bchunked', chunked)],
      ['a space before the colon', withBody('Transfer-Encoding : chunked', chunked)],
      ['a tab before the colon', withBody('Content-Length\t: 0', hidden)],
      ['a folded coding', withBody('Transfer-Encoding:\r\n chunked', chunked)],
      ['a folded field', withField('X: a\r\n b')],
      ['a field without a colon', withField('nonsense')],
      ['a field without a name', withField(': x')],
      ['a first field that begins with a space', get(' X: a\r\nHost: a')],
    ]),
    ...closedWith(content, [
      ['a page asked for with a request in its body', withBody(`Content-Length: ${hidden.length}`, hidden)],
      ['a coding that only ends like chunked', withBody('Transfer-Encoding: xchunked', hidden)],
      ['a coding in quotation marks', withBody('Transfer-Encoding: "chunked"', hidden)],
      ['a request in a chunk', withBody('Transfer-Encoding: chunked', chunked)],
      ['a request behind the last chunk', withBody('Transfer-Encoding: chunked', `0\r\n\r\n${hidden}`)],
      ['a chunk of no sensible size', withBody('Transfer-Encoding: chunked', `g\r\n${hidden}`)],
      [
        'a chunk of more than 64 bits',
        withBody('Transfer-Encoding: chunked', `fffffffffffffffff\r\n${hidden}`),
      ],
      ['chunks that end in bare line feeds', withBody('Transfer-Encoding: chunked', `0\n\n${hidden}`)],
      ['an extension of a chunk', withBody('Transfer-Encoding: chunked', `0;a=b\r\n\r\n${hidden}`)],
      [
        'a length in a trailer',
        withBody('Transfer-Encoding: chunked', `0\r\nContent-Length: 5\r\n\r\n${hidden}`),
      ],
      ['chunked in capitals', withBody('TRANSFER-ENCODING: CHUNKED', chunked)],
      ['a coding that is none', withBody('Transfer-Encoding: identity', hidden)],
      ['compressed chunks', withBody('Transfer-Encoding: gzip, chunked', chunked)],
      ['a body announced and not sent', withField('Content-Length: 5')],
      ['the longest body there can be', withField('Content-Length: 18446744073709551615')],
      ['a length of zeros', withBody('Content-Length: 00', hidden)],
      ['chunks in HTTP/1.0', get('Host: a\r\nTransfer-Encoding: chunked', page, '1.0') + chunked],
      ['a body in HTTP/1.0', get('Host: a\r\nContent-Length: 5', page, '1.0')],
      ['a body that waits to be asked for', withField('Content-Length: 5\r\nExpect: 100-continue')],
    ]),

    {
      name: 'HEAD with a body',
      bytes: `HEAD ${page} HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n`,
      answers: ['413'],
      after: 'closed',
    },

    // Lines.
    ...closedWith(malformed, [
      ['bare line feeds', `GET ${page} HTTP/1.1\nHost: a\n\n`],
      ['a bare line feed between fields', get('Host: a\nX: y')],
      ['a bare carriage return between fields', get('Host: a\rX: y')],
      ['a bare carriage return in a value', withField('X: a\rb')],
      ['a carriage return before that of the end', `GET ${page} HTTP/1.1\r\nHost: a\r\n\r\r\n`],
      ['no version', `GET ${page}\r\nHost: a\r\n\r\n`],
      ['HTTP/0.9', `GET ${page}\r\n\r\n`],
      ['HTTP/1.2', get('Host: a', page, '1.2')],
      ['HTTP/2.0', get('Host: a', page, '2.0')],
      ['a version in small letters', `GET ${page} http/1.1\r\nHost: a\r\n\r\n`],
      [
        'two spaces before the version',
        `GET ${page}  HTTP/1.1\r\nHost: a\r\n\r\n`.replace('  HTTP', ' x HTTP'),
      ],
      ['a tab before the target', `GET\t${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['something after the version', `GET ${page} HTTP/1.1 x\r\nHost: a\r\n\r\n`],
      ['a method in small letters', `get ${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['a method nobody knows', `STEAL ${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['a space before the method', ` GET ${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['the preface of HTTP/2', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'],
      ['a TLS handshake', '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'],
      ['a PROXY line', `PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n${valid}`],
      ['a header of PROXY version 2', '\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c'],
      ['an SMTP greeting', 'EHLO shop.test\r\n'],
      ['a Redis command', '*1\r\n$4\r\nPING\r\n'],
    ]),

    // Host.
    ...closedWith(malformed, [
      ['no Host', `GET ${page} HTTP/1.1\r\n\r\n`],
      ['two Hosts', get('Host: a\r\nHost: b')],
      ['the same Host twice', get('Host: a\r\nHost: a')],
      ['two Hosts in HTTP/1.0', get('Host: a\r\nHost: b', page, '1.0')],
      ['an empty Host', get('Host:')],
      ['a Host of spaces', get('Host:   ')],
      ['a list of Hosts', get('Host: a, b')],
      ['a Host with a path', get('Host: a/b')],
      ['a Host with userinfo', get('Host: user@a')],
      ['a Host that is a URL', get('Host: http://a')],
      ['a Host with markup', get('Host: <script>')],
      ['a Host with a port that is none', get('Host: a:b')],
      ['a Host with a backslash', get('Host: a\\b')],
      ['a Host with a percent sign', get('Host: a%00')],
      ['a Host beyond ASCII', get('Host: \xe4')],
      ['a Host beyond ASCII in UTF-8', get('Host: sh\xc3\xb6p')],
      ['an address that is not closed', get('Host: [::1')],
    ]),

    // The target.
    ...keptWith(target, [
      ['the absolute form', ofPath(`http://shop.test${page}`)],
      ['the absolute form of another server', ofPath(`http://evil.example${page}`)],
      ['the asterisk form', ofPath('*')],
      ['OPTIONS in the asterisk form', 'OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n'],
      ['two leading slashes', ofPath('//evil.example/')],
      ['two leading slashes before a page', ofPath(`/${page}`)],
      ['another scheme', ofPath('file:///etc/passwd')],
      ['a backslash', ofPath(page.replace('/v1/', '/v1\\'))],
      ['a backslash and a server', ofPath('/\\evil.example')],
      ['an encoded slash', ofPath(page.replace('/v1/', '/v1%2f'))],
      ['an encoded slash in a slug', ofPath(`${page}%2F..%2fhidden`)],
      ['an encoded backslash', ofPath(`${page}%5c`)],
      ['an encoded NUL', ofPath(`${page}%00`)],
      ['a fragment', ofPath(`${page}#x`)],
      ['an encoded slash in a path', ofPath(`${page}%2fmedia`)],
    ]),
    ...closedWith(malformed, [
      ['a target without a slash', ofPath('v1/products')],
      ['bytes beyond ASCII', ofPath(`${page}\xe4`)],
      ['UTF-8', ofPath('/v1/products/Pok\xc3\xa9mon')],
      ['an overlong slash', ofPath('/v1/products/..\xc0\xaf')],
      ['a NUL in a target', ofPath(`${page}\0`)],
      ['a tab in a target', ofPath(`${page}\tx`)],
      ['a DEL in a target', ofPath(`${page}\x7f`)],
      ['a space in a target', ofPath(`${page} x`)],
    ]),
    ...keptWith('400 malformed-parameter', [
      ['an encoded slash in a cursor', ofPath('/v1/products?cursor=%2f')],
      ['a byte that is no text', ofPath('/v1/products?cursor=%ff')],
    ]),
    ...keptWith('404 unknown-module', [
      ['a file below a page', ofPath(`${page}/x.js`)],
      ['a slash at the end', ofPath(`${page}/`)],
    ]),
    ...keptWith('404 not-found', [['two dots', ofPath(`${page}/../hidden`)]]),
    ...keptWith(slug, [
      ['the suffix of a style sheet', ofPath(`${page}.css`)],
      ['a parameter of a path', ofPath(`${page};x`)],
      ['a parameter and a suffix', ofPath(`${page};x.css`)],
      ['two dots and nothing else', ofPath('/v1/products/..')],
      ['encoded dots', ofPath(`/v1/products/%2e%2e`)],
      ['an encoded letter', ofPath(`/v1/products/%68idden`)],
      ['an encoded line', ofPath(`${page}%0d%0aSet-Cookie:a=b`)],
      ['a capital letter', ofPath(page.toUpperCase().replace('/V1/PRODUCTS', '/v1/products'))],
      ['markup', ofPath('/v1/products/<script>alert(1)</script>')],
      ['SQL', ofPath("/v1/products/'--")],
      ['the name of a prototype', ofPath('/v1/products/__proto__')],
    ]),
    ...keptWith('400 unknown-parameter', [
      ['a query that might be another page', ofPath(`${page}?utm_source=x`)],
      ['a parameter that is the name of a prototype', ofPath('/v1/products?__proto__=1')],
    ]),
    ...keptWith('404 not-found', [
      ['a path out of the root', ofPath('/../../etc/passwd')],
      ['a hidden file', ofPath('/.env')],
      ['the metrics, which are elsewhere', ofPath('/metrics')],
    ]),
    ...keptWith('414 target-too-long', [
      ['a target that is a byte too long', ofPath(`/${'a'.repeat(targetMaxBytes)}`)],
      ['a query that is too long', ofPath(`/v1/products?cursor=${'a'.repeat(targetMaxBytes)}`)],
    ]),

    // Methods.
    ...keptWith(method, [
      ['TRACE', `TRACE ${page} HTTP/1.1\r\nHost: a\r\nX-Secret: y\r\n\r\n`],
      ['DELETE', `DELETE ${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['PURGE, which empties other caches', `PURGE ${page} HTTP/1.1\r\nHost: a\r\n\r\n`],
      ['POST without a body', `POST ${page} HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n\r\n`],
    ]),
    ...closedWith(method, [
      [
        'POST with a request in its body',
        `POST ${page} HTTP/1.1\r\nHost: a\r\nContent-Length: ${hidden.length}\r\n\r\n${hidden}`,
      ],
      [
        'POST with a request in a chunk',
        `POST ${page} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${chunked}`,
      ],
    ]),
    ...closedWith(method, [
      ['CONNECT', `CONNECT shop.test:443 HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`],
      ['CONNECT to this machine', `CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: a\r\n\r\nSSH-2.0-x`],
      ['CONNECT to a path', `CONNECT ${page} HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`],
    ]),

    // Fields.
    ...closedWith(headers, [
      ['a field that is too long', withField(`X: ${'x'.repeat(headMaxBytes)}`)],
      ['a field with a name that is too long', withField(`${'X'.repeat(headMaxBytes)}: x`)],
      ['fields that are too long together', withField(`X: ${'x'.repeat(500)}\r\n`.repeat(20).trimEnd())],
      ['a target as long as all fields may be', ofPath(`/${'a'.repeat(headMaxBytes)}`)],
      ['a field too many', get(`Host: a\r\n${'X: y\r\n'.repeat(fieldsMax).trimEnd()}`)],
      ['a thousand fields', get(`Host: a\r\n${'X:\r\n'.repeat(1000).trimEnd()}`)],
      [
        'a second Host behind as many fields as there may be',
        get(`Host: a\r\n${'X: y\r\n'.repeat(fieldsMax)}Host: b`),
      ],
      [
        'a body announced behind as many fields as there may be',
        get(`Host: a\r\n${'X: y\r\n'.repeat(fieldsMax)}Content-Length: ${hidden.length}`) + hidden,
      ],
    ]),
    ...closedWith(malformed, [
      ['a NUL in a value', withField('X: a\0b')],
      ['a control character in a value', withField('X: a\x01b')],
      ['a DEL in a value', withField('X: a\x7fb')],
      ['a NUL in a name', withField('X\0Y: a')],
      ['a space in a name', withField('X Y: a')],
      ['bytes beyond ASCII in a name', withField('X\xff: a')],
      ['brackets in a name', withField('X[]: a')],
      ['a name in quotation marks', withField('"X": a')],
    ]),
    // What changes nothing.
    ...keptWithPage([
      ['as many fields as there may be', withField('X: y\r\n'.repeat(fieldsMax - 1).trimEnd())],
      ['bytes beyond ASCII in a value', withField('X: \xff\xfe')],
      ['a tab in a value', withField('X: a\tb')],
      ['an odd but valid name', withField("X!#$%&'*+.^_`|~: a")],
      ['a method override', withField('X-HTTP-Method-Override: DELETE')],
      ['another URL', withField(`X-Original-URL: ${hiddenPath}\r\nX-Rewrite-URL: ${hiddenPath}`)],
      ['another host', withField('X-Forwarded-Host: evil.example\r\nForwarded: host=evil.example')],
      ['another address and scheme', withField('X-Forwarded-For: 127.0.0.1\r\nX-Forwarded-Proto: gopher')],
      ['a cookie', withField('Cookie: session=1; __proto__=2')],
      ['names of a prototype', withField('__proto__: x\r\nconstructor: y')],
      ['a login', withField('Authorization: Basic YTpi')],
      ['ranges', withField('Range: bytes=0-0,1-1,2-2,3-3')],
      ['a client that wants nothing from caches', withField('Cache-Control: no-cache\r\nPragma: no-cache')],
      ['an expectation nobody knows', withField('Expect: 200-ok')],
      ['a length of 0', withField('Content-Length: 0')],
      ['Host among what proxies drop', withField('Connection: Host')],
      ['empty lines before a request, which RFC 9112 forgives', `\r\n\r\n${valid}`],
    ]),
    ...closedWithPage([
      [
        'a web socket',
        withField('Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x') + hidden,
      ],
      [
        'HTTP/2 in the clear',
        withField('Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk') + hidden,
      ],
      ['an expectation without a body', withField('Expect: 100-continue') + hidden],
      ['a request behind one that ends the connection', withField('Connection: close') + hidden],
      ['a request behind one of HTTP/1.0', get('Host: a', page, '1.0') + hidden],
      [
        'a length of 0 and then a body, which is the next request',
        withBody('Content-Length: 0', 'x=1\r\n\r\n'),
      ],
    ]),

    // Several requests at once.
    {
      name: 'a valid request, nonsense, a valid one',
      bytes: `${valid}nonsense\r\n\r\n${hidden}`,
      answers: ['200'],
      after: 'closed',
      pages: 1,
    },
    {
      name: 'three valid requests and nonsense',
      bytes: `${valid.repeat(3)}nonsense\r\n\r\n${hidden}`,
      answers: ['200', '200', '200'],
      after: 'closed',
      pages: 3,
    },
    {
      name: 'a valid request, one without a Host, a valid one',
      bytes: `${valid}GET ${page} HTTP/1.1\r\n\r\n${hidden}`,
      answers: ['200', malformed],
      after: 'closed',
      pages: 1,
    },
    {
      name: 'a valid request, one with a body, a valid one',
      bytes: `${valid}${withBody('Content-Length: 1', 'x')}${hidden}`,
      answers: ['200', content],
      after: 'closed',
      pages: 1,
    },
    {
      name: 'a valid request, one of too many fields, a valid one',
      bytes: `${valid}${withField('X: y\r\n'.repeat(fieldsMax).trimEnd())}${hidden}`,
      answers: ['200', headers],
      after: 'closed',
      pages: 1,
    },
    {
      name: 'a valid request, one with a bad target, a valid one',
      bytes: `${valid}${ofPath('//x')}${valid}`,
      answers: ['200', target, '200'],
      after: 'kept',
      pages: 2,
    },
    {
      name: 'a valid request, CONNECT, a valid one',
      bytes: `${valid}CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n${hidden}`,
      answers: ['200'],
      after: 'closed',
      pages: 1,
    },
    {
      name: 'as many requests at once as there may be',
      bytes: valid.repeat(pipelinedMax),
      answers: Array(pipelinedMax).fill('200'),
      after: 'kept',
      pages: pipelinedMax,
    },
  ];
}
