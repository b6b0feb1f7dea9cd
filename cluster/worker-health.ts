/** A worker tells its metrics each second. One that has told nothing for so many is hung, and SIGTERM cannot reach it. */
const mostSilentSeconds = 7;
/** One that has never told anything and is not ready is loading its modules, which takes a busy machine seconds. */
const mostSilentSecondsLoading = 30;
/** A collection of garbage may be near; what is still in use after so long stays. */
const mostSecondsTooLarge = 10;

/** What its primary has seen of a worker. Seconds are the primary's own looks, so that its own lateness is no worker's. */
export interface Vitals {
  readonly silentSeconds: number;
  readonly isLoading: boolean;
  /** Seconds in a row in which it was above its memory limit. */
  readonly secondsTooLarge: number;
}

/** `hung`: to be killed. `large`: to be replaced, and then told to stop. */
export function judgeHealth({
  silentSeconds,
  isLoading,
  secondsTooLarge,
}: Vitals): 'well' | 'hung' | 'large' {
  if (silentSeconds >= (isLoading ? mostSilentSecondsLoading : mostSilentSeconds)) return 'hung';
  return secondsTooLarge >= mostSecondsTooLarge ? 'large' : 'well';
}
