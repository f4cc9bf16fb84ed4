export { createFirstKey } from './first-key.ts';
export { createIntake, type IntakeDeps } from './intake.ts';
export type { Intake, Submission, Submitted } from './port.ts';
export { queueOf } from './publish-orders.ts';
export { selectTargets } from './selector/select.ts';
