import { examineCode } from './examine-code.ts';
import type { ValidationRequest } from './validation-result.ts';

// The program of a process that validates one text and ends.
process.once('message', (request: ValidationRequest) => {
  void examineCode(request).then((result) => process.send!(result, () => process.disconnect()));
});
