/** Jobs under way at once: what Lab keeps in flight over the mesh. */
export const IN_FLIGHT = 6;

/** Some two hundred characters, different for each job, so that nothing could be remembered from the one before. */
export const textForJob = (index: number): string =>
  `Job ${index}. ${'Open a link and your tab is a node; ask, and other tabs answer. '.repeat(3)}`;
