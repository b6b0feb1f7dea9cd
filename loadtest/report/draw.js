// @ts-nocheck: it runs in the reader's browser, whose types the project does not have.
// Draws the charts that the page holds as data, in the colours of its style, and anew when these change.
{
  const charts = JSON.parse(document.getElementById('charts').textContent);
  const dashes = [[], [6, 3], [2, 2], [8, 3, 2, 3], [12, 4]];
  const pointStyles = ['circle', 'rect', 'triangle', 'rectRot', 'crossRot', 'star'];
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  let drawn = [];

  const styleOf = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

  const shown = (value) => value.toLocaleString('en-US', { maximumSignificantDigits: 3 });

  const isPowerOfTen = (value) => Math.abs(Math.log10(value) - Math.round(Math.log10(value))) < 1e-9;

  function draw({ id, kind, unit, axis, scale, min, max, labels, series }) {
    const text = styleOf('--text-soft');
    const grid = styleOf('--line');
    return new Chart(document.getElementById(id), {
      type: kind,
      data: {
        labels,
        datasets: series.map(({ target, color, values }) => {
          const paint = styleOf(`--target-${color}`);
          return {
            label: target,
            data: values,
            borderColor: paint,
            backgroundColor: paint,
            ...(kind === 'line'
              ? {
                  borderWidth: 2,
                  borderDash: dashes[color % dashes.length],
                  pointStyle: pointStyles[color % pointStyles.length],
                  pointRadius: 3,
                  spanGaps: false,
                }
              : { categoryPercentage: 0.82, barPercentage: 0.88, borderRadius: 2 }),
          };
        }),
      },
      options: {
        animation: calm.matches ? false : { duration: 300 },
        maintainAspectRatio: false,
        interaction: { mode: 'index', intersect: false },
        plugins: {
          legend: {
            position: 'bottom',
            labels: { color: text, usePointStyle: true, boxHeight: 7, padding: 14 },
          },
          tooltip: {
            callbacks: { label: ({ dataset, parsed }) => ` ${dataset.label}: ${shown(parsed.y)} ${unit}` },
          },
        },
        scales: {
          x: {
            title: { display: kind === 'line', text: axis, color: text },
            ticks: { color: text, maxRotation: 0, autoSkipPadding: 12 },
            grid: { display: false },
            border: { color: grid },
          },
          y: {
            type: scale,
            min,
            max,
            title: { display: true, text: unit, color: text },
            ticks: {
              color: text,
              includeBounds: false,
              callback: (value) => (scale === 'linear' || isPowerOfTen(value) ? shown(value) : null),
            },
            grid: { color: grid },
            border: { display: false },
          },
        },
      },
    });
  }

  function drawAll() {
    for (const chart of drawn) chart.destroy();
    Chart.defaults.font.family = styleOf('--font');
    Chart.defaults.font.size = 12;
    drawn = charts.map(draw);
  }

  drawAll();
  dark.addEventListener('change', drawAll);
}
