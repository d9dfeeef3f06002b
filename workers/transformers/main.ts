import { exposeToPage } from '../shared/expose';
import { createModelWorker } from './model-worker';

exposeToPage(createModelWorker());
