/** task_state of the images. */
export const TASK_DEAD = 2;
export const TASK_STOPPED = 3;
export const TASK_ZOMBIE = 6;
