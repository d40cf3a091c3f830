import { ApiError } from '../wire/api-error.ts';

/** A name that an image may have: letters, digits and `-_.`, perhaps with a tag behind `:`. @throws ApiError 400 */
export function checkImageName(name: string): string {
  if (/^[a-z0-9][a-z0-9_.-]{0,127}(:[a-z0-9_.-]{1,64})?$/i.test(name)) return name;
  throw new ApiError(
    400,
    `'${name.slice(0, 200)}' is no name for an image: use letters, digits, '-', '_' and '.'`,
  );
}
