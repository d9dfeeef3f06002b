import base from './vite.config';
export default { ...base, test: { ...base.test, setupFiles: ['/tmp/m/cpu-setup.ts'] } };
