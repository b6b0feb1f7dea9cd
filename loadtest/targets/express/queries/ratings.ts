import { ifKnown, isoTime, type Query, read } from './query.ts';

const pollsStatement = `
  SELECT q.question, q.emoji, r.total FROM poll_result r JOIN poll q ON q.id = r.poll_id
  WHERE r.product_id = $1 ORDER BY r.total DESC, q.id`;

interface PollRow {
  readonly question: string;
  readonly emoji: string;
  readonly total: number;
}

export const polls: Query = async (pool, productId) => {
  const rows = await read<PollRow>(pool, 'polls', pollsStatement, [productId]);
  return ifKnown(pool, productId, rows.length === 0, { polls: rows });
};

// An aggregate is one row always, and so is this.
const summaryStatement = `
  SELECT r.average, r.count, r.n1, r.n2, r.n3, r.n4, r.n5, c.*
  FROM (
    SELECT count(*) AS "criticCount", round(avg(score * 100 / score_max)) AS "criticAverage",
      round(avg(recommended::integer) * 100) AS "recommendPercent"
    FROM critic_review WHERE product_id = $1
  ) c LEFT JOIN rating_summary r ON r.product_id = $1`;

interface SummaryRow {
  readonly average: number | null;
  readonly count: number | null;
  readonly n1: number | null;
  readonly n2: number | null;
  readonly n3: number | null;
  readonly n4: number | null;
  readonly n5: number | null;
  readonly criticCount: number;
  readonly criticAverage: number | null;
  readonly recommendPercent: number | null;
}

const criticReviewsStatement = `
  SELECT o.name AS outlet, c.author, c.headline, c.quote, c.score, c.score_max AS "scoreMax", c.recommended, c.url,
    c.published_on AS "publishedOn"
  FROM critic_review c JOIN outlet o ON o.id = c.outlet_id
  WHERE c.product_id = $1 ORDER BY c.published_on DESC, c.id DESC LIMIT 10`;

interface CriticReviewRow {
  readonly outlet: string;
  readonly author: string;
  readonly headline: string;
  readonly quote: string;
  readonly score: number | null;
  readonly scoreMax: number | null;
  readonly recommended: boolean;
  readonly url: string;
  readonly publishedOn: string;
}

export const ratings: Query = async (pool, productId) => {
  const [[summary], reviews] = await Promise.all([
    read<SummaryRow>(pool, 'rating-summary', summaryStatement, [productId]),
    read<CriticReviewRow>(pool, 'critic-reviews', criticReviewsStatement, [productId]),
  ]);
  const rating = summary === undefined ? null : ratingOf(summary);
  const critics = summary === undefined ? null : criticsOf(summary, reviews);
  return ifKnown(pool, productId, rating === null && critics === null, { rating, critics });
};

const ratingOf = ({ average, count, n1, n2, n3, n4, n5 }: SummaryRow) =>
  average === null ? null : { average, count, histogram: [n1, n2, n3, n4, n5] };

const criticsOf = (
  { criticCount, criticAverage: average, recommendPercent }: SummaryRow,
  reviews: readonly CriticReviewRow[],
) => (criticCount === 0 ? null : { average, recommendPercent, verdict: verdictOf(average), reviews });

function verdictOf(average: number | null): string | null {
  if (average === null) return null;
  if (average >= 85) return 'outstanding';
  if (average >= 70) return 'strong';
  return average >= 55 ? 'fair' : 'weak';
}

const reviewsStatement = `
  SELECT r.author, r.stars, r.title, r.body, ${isoTime('r.created_at')} AS "createdAt",
    (SELECT count(*) FROM review WHERE product_id = $1) AS count
  FROM review r WHERE r.product_id = $1 ORDER BY r.created_at DESC, r.id DESC LIMIT 10`;

interface ReviewRow {
  readonly author: string;
  readonly stars: number;
  readonly title: string;
  readonly body: string;
  readonly createdAt: string;
  /** Of all, in each row. */
  readonly count: number;
}

export const reviews: Query = async (pool, productId) => {
  const rows = await read<ReviewRow>(pool, 'reviews', reviewsStatement, [productId]);
  const [first] = rows;
  return ifKnown(pool, productId, first === undefined, {
    reviews: first ? { count: first.count, latest: rows.map(({ count: _, ...review }) => review) } : null,
  });
};
