export interface Poster {
  /** Posts a task and waits for its end. */
  run(action: string, args: object, on: string): Promise<void>;
  /** Posts a task and goes on. */
  accept(action: string, args: object, on: string): Promise<void>;
  close(): void;
}
/** Posts tasks over kept-alive connections, with as little of its own work as can be: it shares the machine with what it measures. */
export declare function createPoster(url: string, key: string): Poster;
