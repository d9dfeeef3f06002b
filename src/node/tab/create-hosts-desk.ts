import { fail, type Result } from '#core/base/result';
import { expertCards } from '#services/expert-cards/contract';
import { nodeCards } from '#services/node-cards/contract';
import { workKinds } from '#services/work-services';
import type { Settings } from '../tab-node';
import type { TabNodeDeps } from './deps';
import type { OpenExpertsDesk } from './expert-report';
import { openHostsDesk, type OpenHostsDesk } from './host-cards';
import type { Running } from './lifecycle';
import type { OpenModelsDesk } from './models';

interface HostsParts {
  readonly experts: OpenExpertsDesk;
  readonly settings: () => Settings;
  readonly models: () => Promise<Result<OpenModelsDesk>>;
}

/** The desk over what a running tab has. */
export function createHostsDesk(
  { clock, verify, surroundings }: Pick<TabNodeDeps, 'clock' | 'verify' | 'surroundings'>,
  run: Running,
  { experts, settings, models }: HostsParts,
): OpenHostsDesk {
  let learned = false;
  const absent = fail('not_running', 'The node does not run in this tab.');
  return openHostsDesk(run, {
    clock,
    verify,
    settings,
    experts,
    work: async () => [...workKinds.keys()],
    async measure() {
      const desk = await models();
      return desk.ok ? desk.value.measured : null;
    },
    async told() {
      const device = await surroundings.device();
      return {
        memoryGb: device?.memoryGb ?? null,
        downlinkMbps: surroundings.downlinkMbps(),
        timeZone: surroundings.timeZone(),
      };
    },
    async parametersOf(modelId) {
      const desk = await models();
      if (!desk.ok) return null;
      // A page asks again whenever something changes; the catalogue is asked for once.
      if (!learned && desk.value.manifestOf(modelId) === undefined) await desk.value.learn();
      learned = true;
      return desk.value.manifestOf(modelId)?.parameters ?? null;
    },
    askPapers: async (node) => (await run.mesh?.bus.call(nodeCards, {}, { provider: node })) ?? absent,
    askExpertPapers: async (node) => (await run.mesh?.bus.call(expertCards, {}, { provider: node })) ?? absent,
  });
}
