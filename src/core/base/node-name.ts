import { hex, utf8 } from './bytes';
import { sha256 } from './canonical';
import { publicKeyOf, type NodeId } from './ids';

/**
 * Exactly 128 each, so that seven bits of the hash choose a word without bias. No word speaks of honesty or trust: a
 * name is chance, not merit. Changing a word renames nodes everywhere.
 */
const QUALITIES = `
able agile alpine amber apt arctic autumn azure balmy birch blithe bold brave breezy bright brisk bronze calm candid
cedar cheery chipper citrus civil clear clever cloudy cobalt copper coral cosmic cosy crimson crisp curious dapper
daring dawn deft dewy eager early easy ember fabled fair fern fleet floral fond frank fresh frosty gallant gentle
gifted glad golden grand hale handy happy hardy hazel hearty humble indigo ivory jade jaunty jolly jovial keen
kind lilac lively lucid lucky lunar maple mellow merry mild mint misty modest mossy neat nimble noble olive opal
patient pearl placid plucky polar prime proud quick quiet radiant ready rosy ruby rustic sage sandy serene sharp silver
smart snowy solar spry stellar still sunny swift tangy tidy topaz velvet vivid warm witty woolly zesty
`;

const ANIMALS = `
albatross alpaca antelope armadillo badger bear beaver bison bittern boar bobcat buffalo bunting camel
caribou cat cheetah chinchilla cicada condor coyote crane cricket curlew deer dingo dolphin dormouse dove dragonfly
duck eagle egret eland elk falcon ferret finch firefly flamingo fox gannet gazelle gecko gibbon giraffe goldfinch
goose grouse gull hare hawk hedgehog heron hoopoe hornbill horse ibex ibis iguana impala jackdaw jaguar jay kestrel
kingfisher kite koala kudu lapwing lark lemur leopard lizard llama lynx magpie mallard marmot marten meerkat
mole moose moth narwhal newt nightjar ocelot okapi orca oriole osprey otter owl panda pangolin panther parrot partridge
pelican penguin petrel pigeon plover pony puffin puma quail quokka rabbit raccoon raven reindeer robin salmon seal
skylark sparrow squirrel stork swallow swan tapir thrush tortoise toucan turtle walrus
`;

const words = (text: string): readonly string[] => text.trim().split(/\s+/);
const qualities = words(QUALITIES);
const animals = words(ANIMALS);

/** What a node's name and face are drawn from: SHA-256 of its public key (of the text itself when it is no key). */
export const nodeDigest = (nodeId: NodeId): Uint8Array<ArrayBuffer> => sha256(publicKeyOf(nodeId) ?? utf8(nodeId));

/**
 * A name that people can say, made from the key alone: the same everywhere and always, for instance `amber-otter 7f3a`.
 * The four characters begin the hash of the key. About 2^30 names exist, so a name helps to recognise a node and never
 * proves who it is.
 */
export function nodeName(nodeId: NodeId): string {
  const digest = nodeDigest(nodeId);
  const quality = qualities[digest[2]! % qualities.length]!;
  const animal = animals[digest[3]! % animals.length]!;
  return `${quality}-${animal} ${hex(digest.subarray(0, 2))}`;
}

/** The lists, for the test that holds them to their promises. */
export const nodeNameWords = { qualities, animals } as const;
