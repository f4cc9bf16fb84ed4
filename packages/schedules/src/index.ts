export { type Alert, type AlertScope, compileAlerts } from './alert.ts';
export { checkDeclared } from './check-declared.ts';
export { createScheduleDesk, type ScheduleDesk, type ScheduleDeskDeps } from './desk/desk.ts';
export { type DeclaredChange, diffDeclared, type FieldChange, type KnownSchedule } from './diff-declared.ts';
export { loadCalendars } from './load-calendars.ts';
export { localTime } from './local-time.ts';
export { type Calendar, type CalendarSource, compileCalendar } from './when/calendar.ts';
export { compilePlan, type Plan, type Planned, type PlanSpec, planKey } from './when/plan.ts';
