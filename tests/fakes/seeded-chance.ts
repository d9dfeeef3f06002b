export { createSeededChance } from '#adapters/chance-seeded';
