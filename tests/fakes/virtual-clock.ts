export { createVirtualClock, type VirtualClock } from '#adapters/clock-virtual';
