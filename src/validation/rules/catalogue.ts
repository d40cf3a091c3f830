export { RULES } from '../../domain/validation-rules.ts';
