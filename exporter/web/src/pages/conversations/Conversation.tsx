/** One conversation: what was said in it, in order, with what it took. */

import { Button } from "@mantine/core";
import { IconArrowLeft } from "@tabler/icons-react";
import { useMemo } from "react";
import { Link, useSearchParams } from "wouter";

import { useAsk } from "../../core/ask";
import { equals } from "../../core/complete";
import { clock, count, duration, harmless, rfc3339, usd } from "../../core/format";
import { useListed } from "../../core/listed";
import { Empty } from "../../core/ui/Empty";
import { Failure } from "../../core/ui/Failure";
import { Loading } from "../../core/ui/Loading";
import { Page, Panel } from "../../core/ui/Page";
import { Copy, Snippet } from "../../core/ui/Snippet";
import { Stat, Stats } from "../../core/ui/Stat";
import { withRange } from "../../core/url";
import { CAPTURE } from "../calls/start";
import classes from "./conversations.module.css";
import { Exchanged } from "./Exchanged";
import { exchangesOf, type Turn } from "./steps";

const MOST = 500;
const SECOND_NS = 1e9;

export function Conversation({ id }: { id: string }) {
  const [parameters] = useSearchParams();
  const list = useListed(
    "/api/conversations/{conversation}",
    { path: { conversation: id }, query: { limit: MOST } },
    { follow: ["traces"] },
  );
  const turns = list.rows;
  const exchanges = useMemo(() => exchangesOf(turns ?? []), [turns]);
  const isSilent = exchanges.every(({ steps }) =>
    steps.every(({ input, output }) => input.length + output.length === 0),
  );
  return (
    <Page
      title={<span className={classes["title"]}>{harmless(id)}</span>}
      actions={
        <>
          <Copy text={id} label="Copy the conversation's id" />
          <Button
            component={Link}
            href={withRange("/conversations", parameters)}
            size="xs"
            variant="default"
            leftSection={<IconArrowLeft size={14} aria-hidden />}
          >
            Conversations
          </Button>
        </>
      }
    >
      {list.error !== null && <Failure error={list.error} again={list.again} />}
      {turns === undefined && list.error === null && <Loading height={420} />}
      {turns?.length === 0 && <Empty title="Nothing is stored of this conversation" />}
      {turns !== undefined && turns.length > 0 && (
        <>
          <Sums id={id} turns={turns} />
          {isSilent && (
            <Panel title="What was said is not captured">
              <p className="quiet">Prompts and completions stay in the program unless it is told to send them.</p>
              <Snippet text={CAPTURE} />
            </Panel>
          )}
          <ol className={classes["exchanges"]} aria-label="What happened, in order">
            {exchanges.map((exchange, at) => (
              <Exchanged key={exchange.trace} exchange={exchange} number={at + 1} />
            ))}
          </ol>
          {list.hasMore && (
            <Button size="xs" variant="default" loading={list.isAsking} onClick={() => void list.more()}>
              More of this conversation
            </Button>
          )}
        </>
      )}
    </Page>
  );
}

/** Its sums are the server's, over the time from its first step to its last one that is shown. */
function Sums({ id, turns }: { id: string; turns: readonly Turn[] }) {
  const [parameters] = useSearchParams();
  const start = turns[0]?.start_ns ?? 0;
  const end = turns.at(-1)?.start_ns ?? start;
  const { data, error } = useAsk("/api/conversations", {
    query: { start: rfc3339(start - SECOND_NS), end: rfc3339(end + SECOND_NS), filter: equals("conversation", id) },
  });
  const sums = data?.items[0];
  const isLoading = data === undefined && error === null;
  const calls = withRange(`/calls?filter=${encodeURIComponent(equals("conversation", id))}`, parameters);
  return (
    <>
      <p className={`quiet ${classes["who"] ?? ""}`}>
        {[
          sums?.user_id ? `user ${sums.user_id}` : "",
          sums?.tenant_id ? `tenant ${sums.tenant_id}` : "",
          sums?.service_name ? `service ${sums.service_name}` : "",
          `began ${clock(start)}`,
        ]
          .filter((one) => one !== "")
          .map(harmless)
          .join(" · ")}
      </p>
      {error !== null && <Failure error={error} />}
      <Stats>
        <Stat label="Duration" value={duration(sums?.duration_ns)} isLoading={isLoading} />
        <Stat label="LLM calls" value={count(sums?.llm_calls)} href={calls} isLoading={isLoading} />
        <Stat label="Tool calls" value={count(sums?.tool_calls)} isLoading={isLoading} />
        <Stat
          label="Failures"
          value={sums?.failures ? <span className="bad">{count(sums.failures)}</span> : count(sums?.failures)}
          isLoading={isLoading}
        />
        <Stat
          label="Tokens"
          value={count((sums?.tokens_input ?? 0) + (sums?.tokens_output ?? 0))}
          note={`${count(sums?.tokens_input)} in, ${count(sums?.tokens_output)} out`}
          isLoading={isLoading}
        />
        <Stat label="Cost" value={usd(sums?.cost_nanos)} isLoading={isLoading} />
      </Stats>
    </>
  );
}
