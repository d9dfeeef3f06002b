import { exposeToPage } from '../shared/expose';
import { createEncoderWorker } from './encoder-worker';
import { createModelWorker } from './model-worker';

// One script for every kind of model, so that the library is fetched and kept once.
exposeToPage({ ...createModelWorker(), ...createEncoderWorker() });
