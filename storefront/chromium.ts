/** For tests only: the browser that this machine has. */
import { onPath } from '../local/on-path.ts';

/** Undefined when there is none. */
export const chromiumPath: string | undefined =
  process.env.CHROMIUM ?? onPath('chromium', 'chromium-browser', 'google-chrome');
