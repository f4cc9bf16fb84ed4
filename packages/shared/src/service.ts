/**
 * What every long-lived part of Moltbot is. Held to by `checkServiceContract` of the testkit.
 *
 * - `start` resolves when the part is ready, or has begun to retry for ever what it depends on. It may be called once.
 * - `quiesce` stops taking new work and resolves when the work in hand is finished, or hands it over when `force` aborts.
 * - `stop` releases everything. It tolerates a second call, a call before `start`, and a call without `quiesce`.
 */
export interface Service {
  readonly name: string;
  start(): Promise<void>;
  quiesce(force: AbortSignal): Promise<void>;
  stop(): Promise<void>;
  /** What readiness is built from: `ok` false says in `detail` what is missing. */
  health(): ServiceHealth;
}

export interface ServiceHealth {
  readonly ok: boolean;
  readonly detail?: string;
}
