import { clearLine, cursorTo } from 'node:readline';

const betweenLinesMs = 3000;

/**
 * Returns how to say what is being done and which share of it is done: on a terminal as one line that is
 * written over, elsewhere as a line every three seconds. Calling it without arguments ends the line.
 */
export function progressLine(output: NodeJS.WriteStream): (doing?: string, done?: number) => void {
  let shown = '';
  let nextMs = 0;
  return (doing, done = 0) => {
    const line = doing === undefined ? '' : `seeding: ${Math.floor(done * 100)} % (${doing})`;
    const nowMs = performance.now();
    if (line === shown || (!output.isTTY && (line === '' || nowMs < nextMs))) return;
    shown = line;
    nextMs = nowMs + betweenLinesMs;
    if (!output.isTTY) {
      output.write(`${line}\n`);
      return;
    }
    cursorTo(output, 0);
    clearLine(output, 0);
    output.write(line);
  };
}
