/** Asks for a token once; the server gives a cookie that scripts cannot read. */

import { Button, Center, Paper, PasswordInput, Stack, Text, Title } from "@mantine/core";
import { useState } from "react";

import { api, Refused, taken } from "../client";
import { Snippet } from "./Snippet";

export function Login({ onDone }: { onDone: () => void }) {
  const [token, setToken] = useState("");
  const [problem, setProblem] = useState<string | null>(null);
  const logIn = async (): Promise<void> => {
    try {
      taken(await api.POST("/api/session", { body: { token: token.trim() } }));
      onDone();
    } catch (error) {
      setProblem(
        error instanceof Refused ? `${error.problem.title}: ${error.problem.mend}` : "the server does not answer",
      );
    }
  };
  return (
    <Center component="main" mih="100vh" p="md">
      <Paper className="panel" p="xl" w={400}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void logIn();
          }}
        >
          <Stack>
            <Title order={1}>otel-ax</Title>
            <PasswordInput
              label="Token"
              description="One with the scope read"
              autoComplete="current-password"
              value={token}
              onChange={(event) => {
                setToken(event.currentTarget.value);
              }}
              error={problem}
              data-autofocus
              required
            />
            <Button type="submit">Log in</Button>
            <Text size="sm" className="quiet">
              Where the server runs, this makes one:
            </Text>
            <Snippet text="ax token create dashboard --scope read" />
          </Stack>
        </form>
      </Paper>
    </Center>
  );
}
