/**
 * What the processes of an installation say to each other and keep in Redis, as a number that grows with each change
 * which an earlier version would misread. Processes whose numbers differ by one work together, so that an installation
 * is upgraded host by host: a change of N is written so that N - 1 reads it, and reads what N - 1 writes.
 */
export const protocol = 1
