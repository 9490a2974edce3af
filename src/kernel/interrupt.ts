import { catchSignals, interruptedBy } from "./sys.ts";

let taken = false;

/**
 * From now on SIGINT, SIGTERM and SIGHUP do not end us: the returned question says whether one came, so that a step can end in
 * order. `also` is asked too.
 */
export function takeSignals(also: () => boolean): () => boolean {
  if (!taken) catchSignals();
  taken = true;
  return () => interruptedBy() !== 0 || also();
}
