export type { Intake, Submission, Submitted } from './port.ts';
