import { EngineError } from '../base/index.ts';
import type { DiffId } from './layer-database.ts';

/** The content of a layer is not what its image promises. */
export class WrongDiffId extends EngineError {
  readonly expected: DiffId;
  readonly actual: DiffId;

  constructor(expected: DiffId, actual: DiffId) {
    super('invalidParameter', `invalid diffID for layer: expected "${expected}", got "${actual}"`);
    this.expected = expected;
    this.actual = actual;
  }
}
