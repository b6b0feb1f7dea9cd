/** For tests: all that the dashboards ask of Prometheus, as Grafana would send it. */
import { generate } from '../grafana/generate.ts';

export interface Query {
  /** Dashboard, panel or annotation, and legend. */
  readonly name: string;
  readonly expression: string;
  /** At one instant, as for a number; else over the time shown. */
  readonly instant: boolean;
  /** Between two points, when the panel asks for more than the screen does. */
  readonly leastStepSeconds: number;
}

interface Dashboard {
  readonly title: string;
  readonly panels: readonly {
    readonly title: string;
    readonly interval?: string;
    readonly targets?: readonly {
      readonly expr: string;
      readonly legendFormat?: string;
      readonly instant?: boolean;
    }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly allValue?: string }[] };
  readonly annotations: { readonly list: readonly { readonly name: string; readonly expr: string }[] };
}

/** Of all dashboards, in order; with every choice at "All", their variables are replaced but those of time. */
export function dashboardQueries(): Query[] {
  return [...generate().values()].flatMap((text) => {
    const { title: dashboard, panels, templating, annotations }: Dashboard = JSON.parse(text);
    const choose = (expression: string) =>
      templating.list.reduce(
        (chosen, { name, allValue = '' }) =>
          chosen.replace(new RegExp(`\\$${name}\\b`, 'g'), () => `(${allValue})`),
        expression,
      );
    const ofPanels = panels.flatMap(({ title, interval = '0m', targets = [] }) =>
      targets.map(({ expr, legendFormat, instant = false }) => ({
        name: [dashboard, title, legendFormat].filter(Boolean).join(' / '),
        expression: choose(expr),
        instant,
        leastStepSeconds: 60 * Number.parseInt(interval, 10),
      })),
    );
    const ofAnnotations = annotations.list.map(({ name, expr }) => ({
      name: [dashboard, 'annotation', name].join(' / '),
      expression: choose(expr),
      instant: false,
      leastStepSeconds: 15,
    }));
    return [...ofPanels, ...ofAnnotations];
  });
}

/** With the time variables replaced as Grafana does for a data source that is scraped so often. */
export const timed = (
  expression: string,
  {
    stepSeconds,
    scrapeSeconds,
    rangeSeconds,
  }: Readonly<Record<`${'step' | 'scrape' | 'range'}Seconds`, number>>,
) =>
  expression
    .replaceAll('$__rate_interval', `${Math.max(stepSeconds + scrapeSeconds, 4 * scrapeSeconds)}s`)
    .replaceAll('$__range', `${Math.ceil(rangeSeconds)}s`);
