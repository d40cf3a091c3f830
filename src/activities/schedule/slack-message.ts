import type { Notice } from '../../domain/schedule.ts';
import { CHANGES } from '../../reports/diff.ts';
import { CHANGE_TITLES } from '../../reports/diff-text.ts';

const SHOWN = 10;

/** A message for one of Slack's incoming webhooks. */
export function slackMessage(notice: Notice): object {
  const lines = linesOf(notice);
  return {
    text: lines[0],
    blocks: [{ type: 'section', text: { type: 'mrkdwn', text: lines.join('\n').slice(0, 2_900) } }],
  };
}

function linesOf({ schedule, batchId, state, reason, run, rule }: Notice): string[] {
  if (!run) return [`:x: *${plain(schedule)}* is ${state}: ${plain(reason ?? '')}`, `\`${plain(batchId)}\``];
  const { counts, total, newFailures, newFailureCount, changes } = run;
  const sign = newFailureCount > 0 ? ':x:' : counts.passed === total ? ':white_check_mark:' : ':warning:';
  const changed = CHANGES.filter((kind) => (changes?.[kind] ?? 0) > 0).map(
    (kind) => `${changes?.[kind]} ${CHANGE_TITLES[kind]}`,
  );
  const more = newFailureCount - Math.min(newFailures.length, SHOWN);
  return [
    `${sign} *${plain(schedule)}* ${state}: ${counts.passed} of ${total} passed, ${newFailureCount} new failures`,
    [`\`${plain(batchId)}\``, `rule ${plain(rule)}`, ...changed].join(', '),
    ...newFailures.slice(0, SHOWN).map(({ id, sentence }) => `• \`${plain(id)}\` ${plain(sentence)}`),
    ...(more > 0 ? [`… and ${more} more`] : []),
  ];
}

/** Slack's own escapes; what comes from code under test is one plain line. */
function plain(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll(/[`\s]+/g, ' ')
    .slice(0, 200);
}
