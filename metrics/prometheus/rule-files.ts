/** The rules as Prometheus reads them, and the same for the impatient. */
import { readFileSync } from 'node:fs';
import { parser } from '@prometheus-io/lezer-promql';
import { parse } from 'yaml';

export interface RecordingRule {
  readonly record: string;
  readonly expr: string;
}
export interface AlertRule {
  readonly alert: string;
  readonly expr: string;
  readonly for?: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}
export interface RuleFile {
  readonly groups: readonly {
    readonly name: string;
    readonly interval?: string;
    readonly rules: readonly (RecordingRule | AlertRule)[];
  }[];
}

/** The rule files that prometheus.yml names. */
export const ruleFileNames = ['rules.yml', 'alerts.yml'] as const;

export function readRuleFile(name: (typeof ruleFileNames)[number]): RuleFile {
  // promtool, which the tests run, knows better than any check here whether it is one.
  return parse(readFileSync(new URL(name, import.meta.url), 'utf8')) as RuleFile;
}

export const recordingRules = (): RecordingRule[] =>
  allRules().flatMap((rule) => ('record' in rule ? [rule] : []));
export const alertRules = (): AlertRule[] => allRules().flatMap((rule) => ('alert' in rule ? [rule] : []));
const allRules = () =>
  ruleFileNames.flatMap((name) => readRuleFile(name).groups).flatMap(({ rules }) => rules);

/** A minute becomes a second. */
const scale = 1 / 60;
/** A rate needs a few scrapes, of which there is one a second. */
const shortestWindowSeconds = 5;
/** Nobody waits an hour to see an alert that looks at three days, nor two minutes to see it end. */
const longestWindowSeconds = 20;

/**
 * The same rules with all times about 60 times shorter, and none longer than 20 s: what takes days to show in
 * earnest shows in a test. For a Prometheus that scrapes and evaluates every second.
 */
export function hastened({ groups }: RuleFile): RuleFile {
  return {
    groups: groups.map(({ name, rules }) => ({
      name,
      rules: rules.map((rule) => ({
        ...rule,
        expr: hastenedExpression(rule.expr),
        ...('for' in rule && { for: `${Math.max(1, Math.round(seconds(rule.for) * scale))}s` }),
      })),
    })),
  };
}

/** A PromQL expression with its windows and offsets shortened alike; names that tell of a window stay. */
export function hastenedExpression(expression: string): string {
  let result = '';
  let copied = 0;
  parser.parse(expression).iterate({
    enter({ name, from, to }) {
      if (name !== 'NumberDurationLiteralInDurationContext') return;
      const window = Math.round(seconds(expression.slice(from, to)) * scale);
      const clamped = Math.min(longestWindowSeconds, Math.max(shortestWindowSeconds, window));
      result += `${expression.slice(copied, from)}${clamped}s`;
      copied = to;
    },
  });
  return result + expression.slice(copied);
}

const unitSeconds: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

function seconds(duration: string): number {
  const [, count, unit = ''] = /^(\d+)([smhd])$/.exec(duration) ?? [];
  const unitLength = unitSeconds[unit];
  if (unitLength === undefined) throw new Error(`A duration must be like 5m, not ${duration}.`);
  return Number(count) * unitLength;
}
