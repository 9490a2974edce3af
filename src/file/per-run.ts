/** What a kind remembers during one dump or one restore: made on first use, gone with the run. */
export function perRun<Run extends object, State>(make: (run: Run) => State): (run: Run) => State {
  const states = new WeakMap<Run, State>();
  return (run) => {
    let state = states.get(run);
    if (state === undefined) {
      state = make(run);
      states.set(run, state);
    }
    return state;
  };
}
