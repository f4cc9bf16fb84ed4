export { type AmqpBusOptions, createAmqpBus } from './amqp/amqp-bus.ts';
export { createEmbeddedBus, type EmbeddedBusOptions } from './embedded/embedded-bus.ts';
export {
  type Bus,
  type BusState,
  type DeadDelivery,
  type DelayRung,
  type Delivery,
  type DeliveryHandler,
  delayRungs,
  type PublishOutcome,
  type QueueRef,
  type RecallStart,
  type RunQueueRef,
  type SettleOutcome,
  type Subscription,
} from './port.ts';
export { parseQueue, queueText } from './queue-text.ts';
