/** What others say of a product: critics and players. */
import type { Product } from './document.ts';
import { compactCount, count, day, decimal, percentOf } from './format.ts';
import { type Html, html, link } from './html.ts';
import { section } from './section.ts';
import { bar, icon, stars } from './symbols.ts';

const verdicts: Readonly<Record<string, string>> = {
  outstanding: 'Outstanding',
  strong: 'Strong',
  fair: 'Fair',
  weak: 'Weak',
};

/** Both verdicts in one line; undefined when there is none. */
export function community({ rating, critics }: Pick<Product, 'rating' | 'critics'>): Html | undefined {
  const verdict = critics?.verdict;
  if (rating === null && critics?.average == null) return undefined;
  return html`<ul class="verdicts">
${rating && html`<li>${stars(rating.average)}<span><b>${decimal(rating.average)}</b> of 5 · ${compactCount(rating.count)} ratings</span></li>`}
${critics?.average != null && html`<li><b class="score">${critics.average}</b><span>${verdict && html`<b>${verdicts[verdict] ?? verdict}</b>, `}critics</span></li>`}
</ul>`;
}

export function criticsSection({ critics }: Product) {
  if (critics === null) return undefined;
  const { average, verdict, recommendPercent, reviews } = critics;
  return section(
    'critics',
    'Critics',
    html`<div class="summary ${verdict}">
${
  average !== null &&
  html`<div class="dial"><svg viewBox="0 0 120 120" aria-hidden="true" focusable="false"><circle cx="60" cy="60" r="52"/><circle class="filled" cx="60" cy="60" r="52" pathLength="100" stroke-dasharray="${average} 100" transform="rotate(-90 60 60)"/></svg><p><b>${average}</b><span>of 100</span></p></div>`
}
<div><p class="word">${verdict === null ? 'No verdict yet' : (verdicts[verdict] ?? verdict)}</p>
<p>${recommendPercent}% of critics recommend it.</p></div>
</div>
<ul class="quotes">${reviews.map(
      ({ outlet, author, headline, quote, score, scoreMax, recommended, url, publishedOn }) =>
        html`<li><p class="from"><b>${outlet}</b>${score !== null && scoreMax !== null && html`<span class="score">${decimal(score)}<small> / ${decimal(scoreMax)}</small></span>`}</p>
<h3><a href="${link(url)}" rel="external noreferrer">${headline}</a></h3>
<blockquote><p>${quote}</p></blockquote>
<p class="meta">${author} · <time datetime="${publishedOn}">${day(publishedOn)}</time>${recommended && html` <span class="yes">${icon('check')}Recommended</span>`}</p></li>`,
    )}</ul>`,
  );
}

export function playersSection({ rating, polls, reviews }: Product) {
  if (rating === null && polls.length === 0 && reviews === null) return undefined;
  return section(
    'players',
    'Players',
    html`${rating && ratingSummary(rating)}
${polls.length > 0 && pollList(polls)}
${reviews && reviewList(reviews)}`,
  );
}

function ratingSummary({ average, count: total, histogram }: NonNullable<Product['rating']>): Html {
  const rows = [5, 4, 3, 2, 1].map((step) => ({ step, percent: percentOf(histogram[step - 1] ?? 0, total) }));
  return html`<div class="rating">
<p class="mean"><b>${decimal(average)}</b><span class="hidden"> of 5 stars</span>${stars(average)}<span>${count(total)} ratings</span></p>
<ol class="histogram" aria-label="Ratings by stars">${rows.map(
    ({ step, percent }) =>
      html`<li><span>${step}<span class="hidden"> stars: </span><span class="glyph" aria-hidden="true">★</span></span>${bar(percent)}<span>${percent}%</span></li>`,
  )}</ol>
</div>`;
}

function pollList(polls: Product['polls']): Html {
  return html`<h3>What players say</h3>
<ul class="polls">${polls.map(
    ({ question, emoji, total }) =>
      html`<li><span class="emoji" aria-hidden="true">${emoji}</span><span>${question}</span><b>${compactCount(total)}</b></li>`,
  )}</ul>`;
}

function reviewList({ count: total, latest }: NonNullable<Product['reviews']>): Html {
  return html`<h3>Latest reviews <small>${latest.length} of ${count(total)}</small></h3>
<ul class="reviews">${latest.map(
    ({ author, stars: given, title, body, createdAt }) =>
      html`<li><p class="from">${stars(given)}<span class="hidden">${given} of 5 stars</span><time datetime="${createdAt}">${day(createdAt)}</time></p>
<h4>${title}</h4><p>${body}</p><p class="meta">${author}</p></li>`,
  )}</ul>`;
}
