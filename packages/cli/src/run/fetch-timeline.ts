/**
 * fetch notes each call on the timeline of the process, as a browser does for its page. The timeline keeps 250 of them;
 * from then on an event tells in every turn of the event loop that it is full, which costs a twentieth of a call.
 * Nobody reads it in a run, so it is emptied before it fills.
 */
const callsBetween = 128;

export class FetchTimeline {
  #calls = 0;

  /** To be told of every call. */
  called(): void {
    this.#calls += 1;
    if (this.#calls % callsBetween === 0) performance.clearResourceTimings();
  }
}
