import { marginMeasurements, marginMeasurementsText } from '#core/experts/margin-measurements';
import type { MeshNode } from '../create-node';
import type { MarginsView } from './margin-views';

export async function marginsView(node: Pick<MeshNode, 'histograms'>): Promise<MarginsView> {
  const measured = marginMeasurements(await node.histograms());
  return { measured, fileText: marginMeasurementsText(measured) };
}
