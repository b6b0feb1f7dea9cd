/** The pages that the types of problems name: what a problem means, and what to do. */
import { problems } from './problems.ts';
import { createRepresentation, type Representation } from './representation.ts';

const cacheControl = 'public, max-age=3600';
const contentFields = [
  'Content-Type',
  'text/html; charset=utf-8',
  'Content-Security-Policy',
  "default-src 'none'; frame-ancestors 'none'",
] as const;

/** By the problem's code. */
export const problemPages: ReadonlyMap<string, Representation> = new Map(
  Object.entries(problems).map(([code, { status, title, meaning, remedy }]) => {
    const page = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="color-scheme" content="light dark">
<title>${title}</title>
</head>
<body>
<main>
<h1>${title}</h1>
<p>HTTP status ${status}, problem type <code>${code}</code></p>
<p>${meaning}</p>
<p>${remedy}</p>
</main>
</body>
</html>
`;
    return [code, createRepresentation(page, cacheControl, { contentFields })] as const;
  }),
);
