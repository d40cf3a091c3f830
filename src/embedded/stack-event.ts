/** One thing that happened in the stack, as one readable line. */
export interface StackEvent {
  source: 'stack' | 'temporal' | 'sandboxes' | 'worker';
  level: 'info' | 'warn' | 'error';
  text: string;
}
export type OnStackEvent = (event: StackEvent) => void;
