/**
 * A visitor's browser: asks for all that a product's page needs, by the API that the server has, and looks whether it
 * got what it asked for.
 */
import { check } from 'k6';
import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { oldProfileParts, parts } from '../targets/parts.ts';
import type { Product } from './products.ts';
import { api, origin } from './settings.ts';
import { currentSlice } from './slices.ts';

/** Milliseconds from the first request of a view to the last of its answers. */
const pageViewDuration = new Trend('page_view_duration', true);
const pageViews = new Counter('page_views');
/** Answers with status 200 that are not what was asked for. */
const wrongAnswers = new Counter('wrong_answers');

http.setResponseCallback(http.expectedStatuses(200));

interface Question {
  /** For k6's tag `name`. */
  readonly name: string;
  readonly url: string;
  isAnsweredBy(body: string): boolean;
}

const pageOf = ([, slug]: Product): Question => ({
  name: 'page',
  url: `${origin}/v1/products/${slug}`,
  isAnsweredBy: (body) => body.includes(`"slug":"${slug}"`),
});

const partOf = ([id]: Product, name: string): Question => ({
  name,
  url: `${origin}/api/products/${id}/${name}`,
  isAnsweredBy: (body) => body.startsWith(`{"productId":${id},`),
});

const paramsOf = ({ name }: Question) => ({
  tags: { name, ...currentSlice() },
  headers: { Accept: 'application/json' },
});

function judge(question: Question, response: RefinedResponse<'text'> | undefined): void {
  const answered = response?.status === 200;
  const right = answered && typeof response.body === 'string' && question.isAnsweredBy(response.body);
  check(response, { 'status is 200': () => answered, 'answer is what was asked for': () => right });
  wrongAnswers.add(answered && !right ? 1 : 0);
}

const ask = (question: Question): void => judge(question, http.get(question.url, paramsOf(question)));

function askAtOnce(questions: readonly Question[]): void {
  const responses = http.batch(
    questions.map((question) => ({ method: 'GET', url: question.url, params: paramsOf(question) })),
  );
  questions.forEach((question, index) => {
    judge(question, responses[index]);
  });
}

/** Counts one page view, and its time. */
function timed(view: () => void): void {
  const startedAtMs = exec.instance.currentTestRunDuration;
  view();
  pageViewDuration.add(exec.instance.currentTestRunDuration - startedAtMs);
  pageViews.add(1);
}

/** The page in one request, or its parts as a browser asks for them, as many at once as it has connections. */
export function viewPage(product: Product): void {
  timed(() =>
    api === 'page' ? ask(pageOf(product)) : askAtOnce(parts.map(({ name }) => partOf(product, name))),
  );
}

/** Ten requests one after the other, as the first store's load test had them: ten parts, or the page ten times. */
export function viewAsFirstStore(product: Product): void {
  timed(() => {
    for (const name of oldProfileParts) ask(api === 'page' ? pageOf(product) : partOf(product, name));
  });
}
