export {
  createNotificationDesk,
  type NotificationDesk,
  type NotificationDeskDeps,
  type TestNotification,
} from './desk.ts';
export { createNotifications, type Notifications, type NotificationsDeps } from './notifications.ts';
export { type Silence, silenceMatter } from './silence.ts';
